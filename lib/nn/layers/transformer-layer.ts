/** One layer of a transformer's encoder or decoder. Source: Vaswani et al. 2017; norms first: Xiong et al. 2020. */
import { ArgumentError } from '../../errors';
import { torch, type Tensor } from '../../tensor';
import { Module } from '../module/module';
import { checkNames, layerDefaults, readOptions, type LayerOptions, type Place } from './arguments';
import { MultiheadAttention } from './attention';
import { Dropout } from './dropout';
import type { Layer } from './layer';
import { Linear } from './linear';
import { LayerNorm } from './normalization';

/** Between the two products of a layer's feed-forward part: by name, a function, or a layer. */
export type FeedForwardActivation = 'relu' | 'gelu' | ((input: Tensor) => Tensor) | Layer;

export interface TransformerLayerOptions extends LayerOptions {
  /** Default 2048. */
  dimFeedforward?: number;
  /** Default 0.1. */
  dropout?: number;
  /** Default `relu`. */
  activation?: FeedForwardActivation;
  /** Default 1e-5. */
  layerNormEps?: number;
  /** Whether inputs and outputs are [batch, time, dModel] instead of [time, batch, dModel]. Default false. */
  batchFirst?: boolean;
  /** Normalises the input of each part instead of the sum after it. */
  normFirst?: boolean;
  bias?: boolean;
}

export const transformerDefaults: Required<TransformerLayerOptions> = {
  dimFeedforward: 2048,
  dropout: 0.1,
  activation: null as unknown as 'relu',
  layerNormEps: 1e-5,
  batchFirst: false,
  normFirst: false,
  bias: true,
  ...layerDefaults,
};

/** The function of an activation, or the layer itself, which then is a member. */
function activationOf(layer: string, given: FeedForwardActivation | null): ((input: Tensor) => Tensor) | Layer {
  if (given === null || given === 'relu') return (input) => torch.relu(input);
  if (given === 'gelu') return (input) => torch.gelu(input);
  if (typeof given === 'function' || given instanceof Module) return given;
  throw new ArgumentError(
    `${layer}: activation must be "relu", "gelu", a function or a layer, not ${JSON.stringify(given)}.`,
  );
}

function activate(activation: ((input: Tensor) => Tensor) | Layer, input: Tensor): Tensor {
  return typeof activation === 'function' ? activation(input) : activation.forward(input);
}

function placed(read: Place): Place {
  return { dtype: read.dtype, device: read.device };
}

export interface EncodeOptions {
  /** [time, time] or [batch * heads, time, time]: true where attention is forbidden, or numbers that are added. */
  srcMask?: Tensor | null;
  /** [batch, time], true for padding. */
  srcKeyPaddingMask?: Tensor | null;
  /** Says that srcMask is the causal one, which may be faster. */
  isCausal?: boolean;
}

const encodeNames = ['srcMask', 'srcKeyPaddingMask', 'isCausal'];

/** Self-attention and feed-forward part, each added to its input and normalised. */
export class TransformerEncoderLayer extends Module {
  readonly selfAttn: MultiheadAttention;
  readonly linear1: Linear;
  readonly dropout: Dropout;
  readonly linear2: Linear;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly dropout1: Dropout;
  readonly dropout2: Dropout;
  readonly activation: ((input: Tensor) => Tensor) | Layer;
  readonly normFirst: boolean;

  constructor(dModel: number, nhead: number, options: TransformerLayerOptions = {}) {
    super();
    const read = readOptions('TransformerEncoderLayer', options, transformerDefaults);
    const { bias, batchFirst, dropout, layerNormEps: eps } = read;
    const place = placed(read);
    this.selfAttn = new MultiheadAttention(dModel, nhead, { dropout, bias, batchFirst, ...place });
    this.linear1 = new Linear(dModel, read.dimFeedforward, { bias, ...place });
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear(read.dimFeedforward, dModel, { bias, ...place });
    this.normFirst = read.normFirst;
    this.norm1 = new LayerNorm(dModel, { eps, bias, ...place });
    this.norm2 = new LayerNorm(dModel, { eps, bias, ...place });
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
    this.activation = activationOf('TransformerEncoderLayer', read.activation);
  }

  /** @param src [time, batch, dModel] (see `batchFirst`) or [time, dModel] */
  override forward(src: Tensor, options: EncodeOptions = {}): Tensor {
    checkNames('TransformerEncoderLayer.forward', options, encodeNames);
    if (this.normFirst) {
      const attended = src.add(this.attend(this.norm1.forward(src), options));
      return attended.add(this.feedForward(this.norm2.forward(attended)));
    }
    const attended = this.norm1.forward(src.add(this.attend(src, options)));
    return this.norm2.forward(attended.add(this.feedForward(attended)));
  }

  private attend(x: Tensor, options: EncodeOptions): Tensor {
    const { srcMask = null, srcKeyPaddingMask = null, isCausal = false } = options;
    const [output] = this.selfAttn.forward(x, x, x, {
      attnMask: srcMask,
      keyPaddingMask: srcKeyPaddingMask,
      isCausal,
      needWeights: false,
    });
    return this.dropout1.forward(output);
  }

  private feedForward(x: Tensor): Tensor {
    const inner = activate(this.activation, this.linear1.forward(x));
    return this.dropout2.forward(this.linear2.forward(this.dropout.forward(inner)));
  }
}

export interface DecodeOptions {
  /** [target, target] or [batch * heads, target, target]: true where attention is forbidden, or numbers that are added. */
  tgtMask?: Tensor | null;
  /** [target, source], the same for attention to the memory. */
  memoryMask?: Tensor | null;
  /** [batch, target], true for padding. */
  tgtKeyPaddingMask?: Tensor | null;
  /** [batch, source], true for padding. */
  memoryKeyPaddingMask?: Tensor | null;
  /** Says that tgtMask is the causal one, which may be faster. */
  tgtIsCausal?: boolean;
  memoryIsCausal?: boolean;
}

export const decodeNames = [
  'tgtMask',
  'memoryMask',
  'tgtKeyPaddingMask',
  'memoryKeyPaddingMask',
  'tgtIsCausal',
  'memoryIsCausal',
];

/** Self-attention, attention to what an encoder gave, and feed-forward part, each added to its input and normalised. */
export class TransformerDecoderLayer extends Module {
  readonly selfAttn: MultiheadAttention;
  readonly multiheadAttn: MultiheadAttention;
  readonly linear1: Linear;
  readonly dropout: Dropout;
  readonly linear2: Linear;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly norm3: LayerNorm;
  readonly dropout1: Dropout;
  readonly dropout2: Dropout;
  readonly dropout3: Dropout;
  readonly activation: ((input: Tensor) => Tensor) | Layer;
  readonly normFirst: boolean;

  constructor(dModel: number, nhead: number, options: TransformerLayerOptions = {}) {
    super();
    const read = readOptions('TransformerDecoderLayer', options, transformerDefaults);
    const { bias, batchFirst, dropout, layerNormEps: eps } = read;
    const place = placed(read);
    this.selfAttn = new MultiheadAttention(dModel, nhead, { dropout, bias, batchFirst, ...place });
    this.multiheadAttn = new MultiheadAttention(dModel, nhead, { dropout, bias, batchFirst, ...place });
    this.linear1 = new Linear(dModel, read.dimFeedforward, { bias, ...place });
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear(read.dimFeedforward, dModel, { bias, ...place });
    this.normFirst = read.normFirst;
    this.norm1 = new LayerNorm(dModel, { eps, bias, ...place });
    this.norm2 = new LayerNorm(dModel, { eps, bias, ...place });
    this.norm3 = new LayerNorm(dModel, { eps, bias, ...place });
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
    this.dropout3 = new Dropout(dropout);
    this.activation = activationOf('TransformerDecoderLayer', read.activation);
  }

  /**
   * @param tgt [target, batch, dModel] (see `batchFirst`) or [target, dModel]
   * @param memory [source, batch, dModel] or [source, dModel]
   */
  override forward(tgt: Tensor, memory: Tensor, options: DecodeOptions = {}): Tensor {
    checkNames('TransformerDecoderLayer.forward', options, decodeNames);
    if (this.normFirst) {
      const attended = tgt.add(this.attend(this.norm1.forward(tgt), options));
      const informed = attended.add(this.attendMemory(this.norm2.forward(attended), memory, options));
      return informed.add(this.feedForward(this.norm3.forward(informed)));
    }
    const attended = this.norm1.forward(tgt.add(this.attend(tgt, options)));
    const informed = this.norm2.forward(attended.add(this.attendMemory(attended, memory, options)));
    return this.norm3.forward(informed.add(this.feedForward(informed)));
  }

  private attend(x: Tensor, options: DecodeOptions): Tensor {
    const { tgtMask = null, tgtKeyPaddingMask = null, tgtIsCausal = false } = options;
    const [output] = this.selfAttn.forward(x, x, x, {
      attnMask: tgtMask,
      keyPaddingMask: tgtKeyPaddingMask,
      isCausal: tgtIsCausal,
      needWeights: false,
    });
    return this.dropout1.forward(output);
  }

  private attendMemory(x: Tensor, memory: Tensor, options: DecodeOptions): Tensor {
    const { memoryMask = null, memoryKeyPaddingMask = null, memoryIsCausal = false } = options;
    const [output] = this.multiheadAttn.forward(x, memory, memory, {
      attnMask: memoryMask,
      keyPaddingMask: memoryKeyPaddingMask,
      isCausal: memoryIsCausal,
      needWeights: false,
    });
    return this.dropout2.forward(output);
  }

  private feedForward(x: Tensor): Tensor {
    const inner = activate(this.activation, this.linear1.forward(x));
    return this.dropout3.forward(this.linear2.forward(this.dropout.forward(inner)));
  }
}
