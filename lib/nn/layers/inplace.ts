/** Layers that may overwrite their input. */
import { listValues } from '../module/describe';
import { readOptions } from './arguments';
import { TensorLayer } from './layer';

export interface InplaceOptions {
  /** Overwrites the input. Default false. */
  inplace?: boolean;
}

/** An activation that may overwrite its input. */
export abstract class InplaceLayer extends TensorLayer {
  readonly inplace: boolean;

  constructor(inplace: boolean) {
    super();
    this.inplace = inplace;
  }

  /** What the layer is made with, for `extraRepr`. */
  protected settings(): Record<string, unknown> {
    return {};
  }

  override extraRepr(): string {
    return listValues({ ...this.settings(), inplace: this.inplace ? true : undefined });
  }
}

/** One whose only choice is that. */
export abstract class SimpleInplaceLayer extends InplaceLayer {
  constructor(options: InplaceOptions = {}) {
    super(readOptions(new.target.name, options, { inplace: false }).inplace);
  }
}
