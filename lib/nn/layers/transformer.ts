/** Stacks of transformer layers, and the whole model of encoder and decoder. */
import { checkArgument } from '../../arguments';
import { ShapeError } from '../../errors';
import { torch, type Tensor } from '../../tensor';
import { xavierUniform_ } from '../init';
import { Module } from '../module/module';
import { checkNames, checkSize, layerDefaults, placeOf, readOptions, type LayerOptions } from './arguments';
import type { Layer } from './layer';
import { LayerNorm } from './normalization';
import {
  decodeNames,
  transformerDefaults,
  TransformerDecoderLayer,
  TransformerEncoderLayer,
  type DecodeOptions,
  type EncodeOptions,
  type TransformerLayerOptions,
} from './transformer-layer';

export interface EncoderOptions {
  /** [time, time] or [batch * heads, time, time]: true where attention is forbidden, or numbers that are added. */
  mask?: Tensor | null;
  /** [batch, time], true for padding. */
  srcKeyPaddingMask?: Tensor | null;
  /** Says that the mask is the causal one, which may be faster. */
  isCausal?: boolean;
}

/** A layer of an encoder: `TransformerEncoderLayer`, or one of one's own. */
export interface EncoderLayer extends Module {
  forward(src: Tensor, options?: EncodeOptions): Tensor;
}

/** A layer of a decoder: `TransformerDecoderLayer`, or one of one's own. */
export interface DecoderLayer extends Module {
  forward(tgt: Tensor, memory: Tensor, options?: DecodeOptions): Tensor;
}

function copies<L extends Module>(stack: string, layer: L, count: number): L[] {
  checkArgument(layer, 'object', `${stack}: the layer, such as new ${stack}Layer(dModel, nhead),`);
  checkSize(stack, 'numLayers', count);
  return Array.from({ length: count }, () => layer.clone());
}

function normOf(stack: string, options: { norm?: Layer | null }): Layer | null {
  return readOptions<{ norm: Layer | null }>(stack, options, { norm: null }).norm;
}

/** Copies of a layer one after the other, all with its first values, and a norm at the end if given. */
export class TransformerEncoder extends Module {
  readonly layers: readonly EncoderLayer[];
  readonly norm: Layer | null;

  constructor(encoderLayer: EncoderLayer, numLayers: number, options: { norm?: Layer | null } = {}) {
    super();
    this.layers = copies('TransformerEncoder', encoderLayer, numLayers);
    this.norm = normOf('TransformerEncoder', options);
  }

  /** @param src [time, batch, dModel] (or as the layers' `batchFirst` says) or [time, dModel] */
  override forward(src: Tensor, options: EncoderOptions = {}): Tensor {
    checkNames('TransformerEncoder.forward', options, ['mask', 'srcKeyPaddingMask', 'isCausal']);
    const { mask = null, srcKeyPaddingMask = null, isCausal = false } = options;
    const each: EncodeOptions = { srcMask: mask, srcKeyPaddingMask, isCausal };
    let output = src;
    for (const layer of this.layers) output = layer.forward(output, each);
    return this.norm === null ? output : this.norm.forward(output);
  }
}

/** Copies of a layer one after the other, all with its first values, and a norm at the end if given. */
export class TransformerDecoder extends Module {
  readonly layers: readonly DecoderLayer[];
  readonly norm: Layer | null;

  constructor(decoderLayer: DecoderLayer, numLayers: number, options: { norm?: Layer | null } = {}) {
    super();
    this.layers = copies('TransformerDecoder', decoderLayer, numLayers);
    this.norm = normOf('TransformerDecoder', options);
  }

  /** @param tgt [target, batch, dModel] @param memory [source, batch, dModel], what an encoder gave */
  override forward(tgt: Tensor, memory: Tensor, options: DecodeOptions = {}): Tensor {
    checkNames('TransformerDecoder.forward', options, decodeNames);
    let output = tgt;
    for (const layer of this.layers) output = layer.forward(output, memory, options);
    return this.norm === null ? output : this.norm.forward(output);
  }
}

/** A stack of copies of a layer, which itself is not needed afterwards. */
function stacked<L extends Module, S>(layer: L, stack: (layer: L) => S): S {
  try {
    return stack(layer);
  } finally {
    layer.dispose();
  }
}

export interface TransformerOptions extends TransformerLayerOptions, LayerOptions {
  /** Size of the vectors. Default 512. */
  dModel?: number;
  /** Heads of attention. Default 8. */
  nhead?: number;
  /** Default 6. */
  numEncoderLayers?: number;
  /** Default 6. */
  numDecoderLayers?: number;
  /** In place of the usual encoder. */
  customEncoder?: (Module & { forward(src: Tensor, options?: EncoderOptions): Tensor }) | null;
  /** In place of the usual decoder. */
  customDecoder?: (Module & { forward(tgt: Tensor, memory: Tensor, options?: DecodeOptions): Tensor }) | null;
}

export interface TransformOptions extends DecodeOptions {
  srcMask?: Tensor | null;
  srcKeyPaddingMask?: Tensor | null;
  srcIsCausal?: boolean;
}

/** Encoder and decoder. Embeddings and what makes words of the output are not part of it. */
export class Transformer extends Module {
  readonly encoder: NonNullable<TransformerOptions['customEncoder']>;
  readonly decoder: NonNullable<TransformerOptions['customDecoder']>;
  readonly dModel: number;
  readonly nhead: number;
  readonly batchFirst: boolean;

  constructor(options: TransformerOptions = {}) {
    super();
    const { dModel, nhead, numEncoderLayers, numDecoderLayers, customEncoder, customDecoder, ...layer } = readOptions<
      Required<TransformerOptions>
    >('Transformer', options, {
      dModel: 512,
      nhead: 8,
      numEncoderLayers: 6,
      numDecoderLayers: 6,
      customEncoder: null,
      customDecoder: null,
      ...transformerDefaults,
    });
    const norm = () => new LayerNorm(dModel, { eps: layer.layerNormEps, bias: layer.bias, ...placeOf(layer) });
    this.encoder =
      customEncoder ??
      stacked(new TransformerEncoderLayer(dModel, nhead, layer), (first) => {
        return new TransformerEncoder(first, numEncoderLayers, { norm: norm() });
      });
    this.decoder =
      customDecoder ??
      stacked(new TransformerDecoderLayer(dModel, nhead, layer), (first) => {
        return new TransformerDecoder(first, numDecoderLayers, { norm: norm() });
      });
    for (const parameter of this.parameters()) if (parameter.ndim > 1) xavierUniform_(parameter);
    this.dModel = dModel;
    this.nhead = nhead;
    this.batchFirst = layer.batchFirst;
  }

  /**
   * @param src [source, batch, dModel] (see `batchFirst`) or [source, dModel]
   * @param tgt [target, batch, dModel] or [target, dModel]
   * @returns of the shape of `tgt`
   */
  override forward(src: Tensor, tgt: Tensor, options: TransformOptions = {}): Tensor {
    checkNames('Transformer.forward', options, ['srcMask', 'srcKeyPaddingMask', 'srcIsCausal', ...decodeNames]);
    const batch = this.batchFirst ? 0 : 1;
    if (src.ndim === 3 && src.size(batch) !== tgt.size(batch)) {
      throw new ShapeError(
        `Transformer: src and tgt must have the same batch, not ${src.size(batch)} and ${tgt.size(batch)}.`,
      );
    }
    for (const [name, input] of Object.entries({ src, tgt })) {
      if (input.size(-1) === this.dModel) continue;
      throw new ShapeError(
        `Transformer: the last size of ${name} must be dModel (${this.dModel}), not ${input.size(-1)}.`,
      );
    }
    const { srcMask: mask = null, srcKeyPaddingMask = null, srcIsCausal: isCausal = false, ...decode } = options;
    const memory = this.encoder.forward(src, { mask, srcKeyPaddingMask, isCausal });
    return this.decoder.forward(tgt, memory, decode);
  }

  /** The causal mask `[size, size]`: -Infinity above the diagonal, else 0. */
  static generateSquareSubsequentMask(size: number, options: LayerOptions = {}): Tensor {
    return torch.triu(torch.full([size, size], -Infinity, readOptions('Transformer', options, layerDefaults)), 1);
  }
}
