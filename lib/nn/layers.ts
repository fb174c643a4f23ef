/** Ordinary layers, with PyTorch's names, defaults and first values. */
import { ShapeError } from '../errors';
import { noGrad, scope, torch, type Device, type Dtype, type Tensor } from '../tensor';
import * as functional from './functional';
import { kaimingUniform_, normal_, uniform_ } from './init';
import { Module } from './module/module';
import { Parameter } from './module/parameter';

/** Where and how a layer's parameters are made. Default float32 on the CPU. */
export interface LayerOptions {
  dtype?: Dtype;
  device?: Device;
}

/** A module of one tensor in, one out. */
export interface Layer extends Module {
  forward(input: Tensor): Tensor;
}

function placement({ dtype, device }: LayerOptions): { dtype: Dtype; device: Device } {
  return { dtype: dtype ?? 'float32', device: device ?? 'cpu' };
}

function checkSize(name: string, size: number): number {
  if (Number.isSafeInteger(size) && size > 0) return size;
  throw new ShapeError(`${name} must be a positive whole number, not ${size}.`);
}

/** Makes a parameter of fresh memory, which the scope around need not keep. */
function parameter(make: () => Tensor): Parameter {
  return scope(() => new Parameter(noGrad(make)));
}

/** Layers one after the other; their names are their positions. */
export class Sequential extends Module {
  readonly #layers: readonly Layer[];

  constructor(...layers: Layer[]) {
    super();
    this.#layers = layers;
  }

  override *namedMembers(): Iterable<[name: string, member: Layer]> {
    for (const [index, layer] of this.#layers.entries()) yield [String(index), layer];
  }

  override forward(input: Tensor): Tensor {
    return this.#layers.reduce((value, layer) => layer.forward(value), input);
  }
}

/** `[*, inFeatures]` to `[*, outFeatures]`: x W^T + b, both from U(-1/sqrt(inFeatures), 1/sqrt(inFeatures)). */
export class Linear extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;

  constructor(inFeatures: number, outFeatures: number, options: LayerOptions & { bias?: boolean } = {}) {
    super();
    const shape = [checkSize('outFeatures', outFeatures), checkSize('inFeatures', inFeatures)];
    const place = placement(options);
    this.weight = parameter(() => kaimingUniform_(torch.empty(shape, place), Math.sqrt(5)));
    this.bias =
      options.bias === false
        ? null
        : parameter(() => uniform_(torch.empty([outFeatures], place), 1 / Math.sqrt(inFeatures)));
  }

  override forward(input: Tensor): Tensor {
    return functional.linear(input, this.weight, this.bias);
  }
}

/** Ids `[*]` to rows `[*, embeddingDim]` of a table from N(0, 1). The row `paddingIdx` starts at zero and gets no gradient. */
export class Embedding extends Module {
  readonly weight: Parameter;
  readonly paddingIdx: number | null;

  constructor(numEmbeddings: number, embeddingDim: number, options: LayerOptions & { paddingIdx?: number } = {}) {
    super();
    const shape = [checkSize('numEmbeddings', numEmbeddings), checkSize('embeddingDim', embeddingDim)];
    this.paddingIdx = paddingRow(options.paddingIdx, numEmbeddings);
    this.weight = parameter(() => {
      const table = normal_(torch.empty(shape, placement(options)), 1);
      if (this.paddingIdx !== null) table.select(0, this.paddingIdx).zero_();
      return table;
    });
  }

  override forward(ids: Tensor): Tensor {
    return functional.embedding(ids, this.weight, this.paddingIdx === null ? {} : { paddingIdx: this.paddingIdx });
  }
}

function paddingRow(index: number | undefined, count: number): number | null {
  if (index === undefined) return null;
  const row = index < 0 ? index + count : index;
  if (Number.isInteger(row) && row >= 0 && row < count) return row;
  throw new ShapeError(`paddingIdx ${index} is not a row of a table of ${count}.`);
}

export class ReLU extends Module {
  override forward(input: Tensor): Tensor {
    return functional.relu(input);
  }
}

export class GELU extends Module {
  constructor(readonly approximate: 'none' | 'tanh' = 'none') {
    super();
  }

  override forward(input: Tensor): Tensor {
    return functional.gelu(input, { approximate: this.approximate });
  }
}

export class SiLU extends Module {
  override forward(input: Tensor): Tensor {
    return functional.silu(input);
  }
}

export class Tanh extends Module {
  override forward(input: Tensor): Tensor {
    return functional.tanh(input);
  }
}

export class Sigmoid extends Module {
  override forward(input: Tensor): Tensor {
    return functional.sigmoid(input);
  }
}

/** Zeroes elements with probability `p` in training, and scales the others by 1 / (1 - p). */
export class Dropout extends Module {
  constructor(readonly p = 0.5) {
    super();
  }

  override forward(input: Tensor): Tensor {
    return functional.dropout(input, { p: this.p, training: this.training });
  }
}

function normShape(shape: number | readonly number[]): number[] {
  return (typeof shape === 'object' ? [...shape] : [shape]).map((size) => checkSize('normalizedShape', size));
}

/** Normalises the last dimensions to mean 0 and variance 1, then scales and shifts. */
export class LayerNorm extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly normalizedShape: readonly number[];
  readonly eps: number;

  constructor(normalizedShape: number | readonly number[], options: LayerOptions & { eps?: number } = {}) {
    super();
    this.normalizedShape = normShape(normalizedShape);
    this.eps = options.eps ?? 1e-5;
    this.weight = parameter(() => torch.ones(this.normalizedShape, placement(options)));
    this.bias = parameter(() => torch.zeros(this.normalizedShape, placement(options)));
  }

  override forward(input: Tensor): Tensor {
    return functional.layerNorm(input, this.normalizedShape, { weight: this.weight, bias: this.bias, eps: this.eps });
  }
}

/** Divides the last dimensions by their root mean square, then scales. `eps` default: the dtype's machine epsilon. */
export class RMSNorm extends Module {
  readonly weight: Parameter;
  readonly normalizedShape: readonly number[];
  readonly eps: number | undefined;

  constructor(normalizedShape: number | readonly number[], options: LayerOptions & { eps?: number } = {}) {
    super();
    this.normalizedShape = normShape(normalizedShape);
    this.eps = options.eps;
    this.weight = parameter(() => torch.ones(this.normalizedShape, placement(options)));
  }

  override forward(input: Tensor): Tensor {
    const { weight, eps } = this;
    return functional.rmsNorm(input, this.normalizedShape, eps === undefined ? { weight } : { weight, eps });
  }
}
