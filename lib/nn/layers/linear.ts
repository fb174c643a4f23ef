/** Layers that multiply by a matrix, and the one that does nothing. */
import { torch, type Tensor } from '../../tensor';
import { kaimingUniform_, uniform_ } from '../init';
import { listValues } from '../module/describe';
import { Module } from '../module/module';
import type { Parameter } from '../module/parameter';
import { checkSize, layerDefaults, placeOf, readOptions, type LayerOptions } from './arguments';
import { inLayer, parameter, TensorLayer } from './layer';

/** Gives back what it is given. Takes any arguments, as a stand-in for another layer. */
export class Identity extends Module {
  constructor(..._ignored: unknown[]) {
    super();
  }

  override forward(input: Tensor): Tensor {
    return input;
  }
}

/** `[*, inFeatures]` to `[*, outFeatures]`: x W^T + b, both from U(-1/sqrt(inFeatures), 1/sqrt(inFeatures)). */
export class Linear extends TensorLayer {
  /** [outFeatures, inFeatures] */
  readonly weight: Parameter;
  /** [outFeatures] */
  readonly bias: Parameter | null;

  constructor(
    readonly inFeatures: number,
    readonly outFeatures: number,
    options: LayerOptions & { bias?: boolean } = {},
  ) {
    super();
    const shape = [checkSize('Linear', 'outFeatures', outFeatures), checkSize('Linear', 'inFeatures', inFeatures)];
    const { bias, ...rest } = readOptions('Linear', options, { bias: true, ...layerDefaults });
    const place = placeOf(rest);
    this.weight = parameter(() => kaimingUniform_(torch.empty(shape, place), { a: Math.sqrt(5) }));
    const bound = 1 / Math.sqrt(inFeatures);
    this.bias = bias ? parameter(() => uniform_(torch.empty([outFeatures], place), -bound, bound)) : null;
  }

  protected override compute(input: Tensor): Tensor {
    return torch.linear(input, this.weight, this.bias);
  }

  override extraRepr(): string {
    const { inFeatures, outFeatures, bias } = this;
    return listValues({ inFeatures, outFeatures, bias: bias !== null });
  }
}

/** `[*, in1Features]` and `[*, in2Features]` to `[*, outFeatures]`: x1 A x2 + b for a matrix A of each output. */
export class Bilinear extends Module {
  /** [outFeatures, in1Features, in2Features] */
  readonly weight: Parameter;
  /** [outFeatures] */
  readonly bias: Parameter | null;

  constructor(
    readonly in1Features: number,
    readonly in2Features: number,
    readonly outFeatures: number,
    options: LayerOptions & { bias?: boolean } = {},
  ) {
    super();
    checkSize('Bilinear', 'in1Features', in1Features);
    checkSize('Bilinear', 'in2Features', in2Features);
    checkSize('Bilinear', 'outFeatures', outFeatures);
    const { bias, ...rest } = readOptions('Bilinear', options, { bias: true, ...layerDefaults });
    const place = placeOf(rest);
    const bound = 1 / Math.sqrt(in1Features);
    this.weight = parameter(() => uniform_(torch.empty([outFeatures, in1Features, in2Features], place), -bound, bound));
    this.bias = bias ? parameter(() => uniform_(torch.empty([outFeatures], place), -bound, bound)) : null;
  }

  override forward(input1: Tensor, input2: Tensor): Tensor {
    try {
      return torch.bilinear(input1, input2, this.weight, this.bias);
    } catch (error) {
      throw inLayer(this, { input1, input2 }, error);
    }
  }

  override extraRepr(): string {
    const { in1Features, in2Features, outFeatures, bias } = this;
    return listValues({ in1Features, in2Features, outFeatures, bias: bias !== null });
  }
}
