/** Padding of the last dimensions: with a constant, or with what is there. */
import { ShapeError } from '../../errors';
import { torch, type Tensor } from '../../tensor';
import { listValues } from '../module/describe';
import { checkNumber } from './arguments';
import { TensorLayer } from './layer';

/** One number for all ends, or before and after each dimension, the last dimension first; negative ones cut. */
export type Padding = number | readonly number[];

abstract class PaddingLayer extends TensorLayer {
  readonly padding: readonly number[];

  protected constructor(
    dimensions: 1 | 2 | 3,
    private readonly mode: 'constant' | 'reflect' | 'replicate' | 'circular',
    padding: Padding,
  ) {
    super();
    const ends = Array.isArray(padding)
      ? [...(padding as number[])]
      : new Array<number>(2 * dimensions).fill(padding as number);
    if (ends.length !== 2 * dimensions || !ends.every(Number.isSafeInteger)) {
      throw new ShapeError(
        `${new.target.name}: padding must be a whole number or ${2 * dimensions} of them, not ${JSON.stringify(padding)}.`,
      );
    }
    this.padding = ends;
  }

  protected override compute(input: Tensor): Tensor {
    return torch.pad(input, this.padding, this.mode);
  }

  override extraRepr(): string {
    return listValues({ padding: this.padding });
  }
}

abstract class ConstantPad extends PaddingLayer {
  protected constructor(
    dimensions: 1 | 2 | 3,
    padding: Padding,
    readonly value: number,
  ) {
    super(dimensions, 'constant', padding);
    checkNumber(new.target.name, 'value', value);
  }

  protected override compute(input: Tensor): Tensor {
    return torch.pad(input, this.padding, 'constant', this.value);
  }

  override extraRepr(): string {
    return listValues({ padding: this.padding, value: this.value });
  }
}

/** Pads `[*, length]` with `value`. */
export class ConstantPad1d extends ConstantPad {
  constructor(padding: Padding, value: number) {
    super(1, padding, value);
  }
}

/** Pads `[*, length]` with zeros. */
export class ZeroPad1d extends ConstantPad {
  constructor(padding: Padding) {
    super(1, padding, 0);
  }
}

/** Pads `[*, length]` with its mirror image; the element at the edge is not repeated. */
export class ReflectionPad1d extends PaddingLayer {
  constructor(padding: Padding) {
    super(1, 'reflect', padding);
  }
}

/** Pads `[*, length]` with the element at the edge. */
export class ReplicationPad1d extends PaddingLayer {
  constructor(padding: Padding) {
    super(1, 'replicate', padding);
  }
}

/** Pads `[*, length]` with its other end. */
export class CircularPad1d extends PaddingLayer {
  constructor(padding: Padding) {
    super(1, 'circular', padding);
  }
}

/** Pads `[*, height, width]` with `value`. */
export class ConstantPad2d extends ConstantPad {
  constructor(padding: Padding, value: number) {
    super(2, padding, value);
  }
}

/** Pads `[*, height, width]` with zeros. */
export class ZeroPad2d extends ConstantPad {
  constructor(padding: Padding) {
    super(2, padding, 0);
  }
}

/** Pads `[*, height, width]` with its mirror image; the element at the edge is not repeated. */
export class ReflectionPad2d extends PaddingLayer {
  constructor(padding: Padding) {
    super(2, 'reflect', padding);
  }
}

/** Pads `[*, height, width]` with the element at the edge. */
export class ReplicationPad2d extends PaddingLayer {
  constructor(padding: Padding) {
    super(2, 'replicate', padding);
  }
}

/** Pads `[*, height, width]` with its other end. */
export class CircularPad2d extends PaddingLayer {
  constructor(padding: Padding) {
    super(2, 'circular', padding);
  }
}

/** Pads `[*, depth, height, width]` with `value`. */
export class ConstantPad3d extends ConstantPad {
  constructor(padding: Padding, value: number) {
    super(3, padding, value);
  }
}

/** Pads `[*, depth, height, width]` with zeros. */
export class ZeroPad3d extends ConstantPad {
  constructor(padding: Padding) {
    super(3, padding, 0);
  }
}

/** Pads `[*, depth, height, width]` with its mirror image; the element at the edge is not repeated. */
export class ReflectionPad3d extends PaddingLayer {
  constructor(padding: Padding) {
    super(3, 'reflect', padding);
  }
}

/** Pads `[*, depth, height, width]` with the element at the edge. */
export class ReplicationPad3d extends PaddingLayer {
  constructor(padding: Padding) {
    super(3, 'replicate', padding);
  }
}

/** Pads `[*, depth, height, width]` with its other end. */
export class CircularPad3d extends PaddingLayer {
  constructor(padding: Padding) {
    super(3, 'circular', padding);
  }
}
