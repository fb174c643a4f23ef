/** Attention of several heads. Source: Vaswani et al. 2017. */
import { ArgumentError, DtypeError, ShapeError } from '../../errors';
import { torch, type Dtype, type Tensor } from '../../tensor';
import { constant_, xavierNormal_, xavierUniform_ } from '../init';
import { listValues } from '../module/describe';
import { Module } from '../module/module';
import type { Parameter } from '../module/parameter';
import {
  checkNames,
  checkProbability,
  checkSize,
  layerDefaults,
  placeOf,
  readOptions,
  type LayerOptions,
} from './arguments';
import { inLayer, parameter } from './layer';
import { Linear } from './linear';

export interface MultiheadAttentionOptions extends LayerOptions {
  /** Probability of dropout on the attention's weights. Default 0. */
  dropout?: number;
  bias?: boolean;
  /** Adds a learned key and value at the end of the sequence. */
  addBiasKv?: boolean;
  /** Adds a key and value of zeros at the end of the sequence. */
  addZeroAttn?: boolean;
  /** Size of keys. Default embedDim. */
  kdim?: number | null;
  /** Size of values. Default embedDim. */
  vdim?: number | null;
  /** Whether inputs and outputs are [batch, time, *] instead of [time, batch, *]. Default false. */
  batchFirst?: boolean;
}

export interface AttendOptions {
  /** [batch, source], or [source] without batch: true, or added -Infinity, where a key must not be attended to. */
  keyPaddingMask?: Tensor | null;
  /** Whether the weights are given back too; without them it is faster. Default true. */
  needWeights?: boolean;
  /** [target, source] or [batch * heads, target, source]: true where attention is forbidden, or numbers that are added. */
  attnMask?: Tensor | null;
  /** Whether the weights are the mean over heads. Default true. */
  averageAttnWeights?: boolean;
  /** Says that attnMask is the causal one, which may be faster. Needs attnMask. */
  isCausal?: boolean;
}

const attendNames = ['keyPaddingMask', 'needWeights', 'attnMask', 'averageAttnWeights', 'isCausal'];

/** Attention in `numHeads` heads of size embedDim / numHeads. */
export class MultiheadAttention extends Module {
  /** Projects queries, keys and values, where they have one size: [3 embedDim, embedDim]. */
  readonly inProjWeight: Parameter | null;
  /** [embedDim, embedDim], where keys or values have a size of their own. */
  readonly qProjWeight: Parameter | null;
  /** [embedDim, kdim] */
  readonly kProjWeight: Parameter | null;
  /** [embedDim, vdim] */
  readonly vProjWeight: Parameter | null;
  /** [3 embedDim] */
  readonly inProjBias: Parameter | null;
  /** Its parameters are used, its forward is not called. */
  readonly outProj: Linear;
  /** [1, 1, embedDim] */
  readonly biasK: Parameter | null;
  readonly biasV: Parameter | null;
  readonly dropout: number;
  readonly addZeroAttn: boolean;
  readonly batchFirst: boolean;
  readonly kdim: number;
  readonly vdim: number;
  readonly headDim: number;

  constructor(
    readonly embedDim: number,
    readonly numHeads: number,
    options: MultiheadAttentionOptions = {},
  ) {
    super();
    checkSize('MultiheadAttention', 'embedDim', embedDim);
    checkSize('MultiheadAttention', 'numHeads', numHeads);
    if (embedDim % numHeads !== 0) {
      throw new ShapeError(`MultiheadAttention: numHeads (${numHeads}) must divide embedDim (${embedDim}).`);
    }
    const read = readOptions<Required<MultiheadAttentionOptions>>('MultiheadAttention', options, {
      dropout: 0,
      bias: true,
      addBiasKv: false,
      addZeroAttn: false,
      kdim: null,
      vdim: null,
      batchFirst: false,
      ...layerDefaults,
    });
    const place = placeOf(read);
    this.dropout = checkProbability('MultiheadAttention', 'dropout', read.dropout);
    this.addZeroAttn = read.addZeroAttn;
    this.batchFirst = read.batchFirst;
    this.kdim = read.kdim === null ? embedDim : checkSize('MultiheadAttention', 'kdim', read.kdim);
    this.vdim = read.vdim === null ? embedDim : checkSize('MultiheadAttention', 'vdim', read.vdim);
    this.headDim = embedDim / numHeads;
    const empty = (...shape: number[]) => parameter(() => torch.empty(shape, place));
    const oneSize = this.kdim === embedDim && this.vdim === embedDim;
    this.qProjWeight = oneSize ? null : empty(embedDim, embedDim);
    this.kProjWeight = oneSize ? null : empty(embedDim, this.kdim);
    this.vProjWeight = oneSize ? null : empty(embedDim, this.vdim);
    this.inProjWeight = oneSize ? empty(3 * embedDim, embedDim) : null;
    this.inProjBias = read.bias ? empty(3 * embedDim) : null;
    this.outProj = new Linear(embedDim, embedDim, { bias: read.bias, ...place });
    this.biasK = read.addBiasKv ? empty(1, 1, embedDim) : null;
    this.biasV = read.addBiasKv ? empty(1, 1, embedDim) : null;
    this.draw();
  }

  /** First values, in the order in which PyTorch draws them. */
  private draw(): void {
    for (const weight of [this.inProjWeight, this.qProjWeight, this.kProjWeight, this.vProjWeight]) {
      if (weight !== null) xavierUniform_(weight);
    }
    for (const bias of [this.inProjBias, this.outProj.bias]) if (bias !== null) constant_(bias, 0);
    for (const bias of [this.biasK, this.biasV]) if (bias !== null) xavierNormal_(bias);
  }

  /**
   * @param query [target, batch, embedDim] (see `batchFirst`), or [target, embedDim]
   * @param key [source, batch, kdim], or [source, kdim]
   * @param value [source, batch, vdim], or [source, vdim]
   * @returns [target, batch, embedDim], and weights [batch, target, source] (for each head [batch, heads, target, source]) or null
   */
  override forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    options: AttendOptions = {},
  ): [output: Tensor, weights: Tensor | null] {
    try {
      checkNames('MultiheadAttention.forward', options, attendNames);
      return this.attend(query, key, value, options);
    } catch (error) {
      throw inLayer(this, { query, key, value }, error);
    }
  }

  private attend(query: Tensor, key: Tensor, value: Tensor, options: AttendOptions): [Tensor, Tensor | null] {
    const { ndim } = query;
    if ((ndim !== 2 && ndim !== 3) || key.ndim !== ndim || value.ndim !== ndim) {
      throw new ShapeError('query, key and value must all have 3 dimensions, or 2 without batch.');
    }
    const batched = ndim === 3;
    // One tensor under several names stays one, so that it is projected once.
    const timeFirst = new Map<Tensor, Tensor>();
    for (const each of [query, key, value]) {
      const arranged = !batched ? each.unsqueeze(1) : this.batchFirst ? each.transpose(0, 1) : each;
      if (!timeFirst.has(each)) timeFirst.set(each, arranged);
    }
    const [q, k, v] = [timeFirst.get(query)!, timeFirst.get(key)!, timeFirst.get(value)!];
    const [output, weights] = this.attendBatch(q, k, v, { ...options, ...this.masks(options, q, k, batched) });
    if (!batched) return [output.squeeze(1), weights && weights.squeeze(0)];
    return [this.batchFirst ? output.transpose(0, 1) : output, weights];
  }

  /** Masks as numbers to be added, their shapes checked. */
  private masks(
    { keyPaddingMask = null, attnMask = null, isCausal = false }: AttendOptions,
    query: Tensor,
    key: Tensor,
    batched: boolean,
  ): { keyPaddingMask: Tensor | null; attnMask: Tensor | null } {
    if (isCausal && attnMask === null) {
      throw new ArgumentError(
        'isCausal only says what attnMask is: give it too, as by Transformer.generateSquareSubsequentMask().',
      );
    }
    const [target, batch] = query.shape as [number, number];
    const source = key.size(0);
    const padding = keyPaddingMask === null || batched ? keyPaddingMask : keyPaddingMask.unsqueeze(0);
    if (padding !== null) checkShape('keyPaddingMask', padding, [[batch, source]]);
    if (attnMask !== null)
      checkShape('attnMask', attnMask, [
        [target, source],
        [batch * this.numHeads, target, source],
      ]);
    return {
      keyPaddingMask: padding && additive('keyPaddingMask', padding, query.dtype),
      attnMask: attnMask && additive('attnMask', attnMask.ndim === 2 ? attnMask.unsqueeze(0) : attnMask, query.dtype),
    };
  }

  /** Of [time, batch, *]. */
  private attendBatch(query: Tensor, key: Tensor, value: Tensor, options: AttendOptions): [Tensor, Tensor | null] {
    const { needWeights = true, averageAttnWeights = true } = options;
    const { numHeads, headDim } = this;
    const [target, batch] = query.shape as [number, number];
    let { keyPaddingMask = null, attnMask = null } = options;
    let [q, k, v] = this.project(query, key, value);
    const extend = (): void => {
      attnMask = attnMask && torch.pad(attnMask, [0, 1]);
      keyPaddingMask = keyPaddingMask && torch.pad(keyPaddingMask, [0, 1]);
    };
    if (this.biasK !== null && this.biasV !== null) {
      k = torch.cat([k, this.biasK.repeat([1, batch, 1])]);
      v = torch.cat([v, this.biasV.repeat([1, batch, 1])]);
      extend();
    }
    const heads = (each: Tensor): Tensor => each.reshape([each.size(0), batch * numHeads, headDim]).transpose(0, 1);
    [q, k, v] = [heads(q), heads(k), heads(v)];
    if (this.addZeroAttn) {
      const zeros = torch.zeros([batch * numHeads, 1, headDim], { dtype: k.dtype, device: k.device });
      [k, v] = [torch.cat([k, zeros], 1), torch.cat([v, zeros], 1)];
      extend();
    }
    const source = k.size(1);
    // Without padding and without weights to give, the kernel makes the causal mask itself.
    const causal = options.isCausal === true && keyPaddingMask === null && !needWeights;
    let mask = causal ? null : attnMask;
    if (keyPaddingMask !== null) {
      const padding: Tensor = keyPaddingMask.view([batch, 1, 1, source]).expand([-1, numHeads, -1, -1]);
      const perHead = padding.reshape([batch * numHeads, 1, source]);
      mask = mask === null ? perHead : mask.add(perHead);
    }
    const dropout = this.training ? this.dropout : 0;
    if (!needWeights) {
      const split = (each: Tensor): Tensor => each.view([batch, numHeads, -1, headDim]);
      const perHead = mask && (mask.size(0) === 1 ? mask.unsqueeze(0) : mask.view([batch, numHeads, -1, source]));
      const attended = torch.scaledDotProductAttention(split(q), split(k), split(v), perHead, dropout, causal);
      return [this.output(attended.permute([2, 0, 1, 3]), target, batch), null];
    }
    const scaled = q.mul(Math.sqrt(1 / headDim));
    const scores =
      mask === null ? torch.bmm(scaled, k.transpose(1, 2)) : torch.baddbmm(mask, scaled, k.transpose(1, 2));
    const probabilities = scores.softmax(-1);
    const weights = dropout > 0 ? torch.dropout(probabilities, dropout, true) : probabilities;
    const output = this.output(torch.bmm(weights, v).transpose(0, 1), target, batch);
    const perHead = weights.view([batch, numHeads, target, source]);
    return [output, averageAttnWeights ? perHead.mean(1) : perHead];
  }

  /** Joins the heads [target, batch(, heads), size] and projects them. */
  private output(heads: Tensor, target: number, batch: number): Tensor {
    const joined = heads.reshape([target * batch, this.embedDim]);
    return torch.linear(joined, this.outProj.weight, this.outProj.bias).view([target, batch, this.embedDim]);
  }

  private project(query: Tensor, key: Tensor, value: Tensor): [Tensor, Tensor, Tensor] {
    const { inProjWeight, inProjBias, embedDim } = this;
    if (inProjWeight === null) {
      const [bq, bk, bv] = inProjBias === null ? [null, null, null] : inProjBias.chunk(3);
      return [
        torch.linear(query, this.qProjWeight!, bq ?? null),
        torch.linear(key, this.kProjWeight!, bk ?? null),
        torch.linear(value, this.vProjWeight!, bv ?? null),
      ];
    }
    // What is one tensor is projected by one product.
    if (key === value) {
      if (query === key) {
        const [q, k, v] = torch.linear(query, inProjWeight, inProjBias).chunk(3, -1);
        return [q!, k!, v!];
      }
      const sizes = [embedDim, 2 * embedDim];
      const [weight, weights] = inProjWeight.split(sizes) as [Tensor, Tensor];
      const [bias, biases] = inProjBias === null ? [null, null] : (inProjBias.split(sizes) as [Tensor, Tensor]);
      const [k, v] = torch.linear(key, weights, biases).chunk(2, -1);
      return [torch.linear(query, weight, bias), k!, v!];
    }
    const [wq, wk, wv] = inProjWeight.chunk(3) as [Tensor, Tensor, Tensor];
    const [bq, bk, bv] = inProjBias === null ? [null, null, null] : inProjBias.chunk(3);
    return [
      torch.linear(query, wq, bq ?? null),
      torch.linear(key, wk, bk ?? null),
      torch.linear(value, wv, bv ?? null),
    ];
  }

  override extraRepr(): string {
    const { embedDim, numHeads, kdim, vdim, dropout, batchFirst, biasK, addZeroAttn } = this;
    return listValues({
      embedDim,
      numHeads,
      kdim: kdim === embedDim ? undefined : kdim,
      vdim: vdim === embedDim ? undefined : vdim,
      dropout: dropout === 0 ? undefined : dropout,
      batchFirst: batchFirst ? true : undefined,
      addBiasKv: biasK === null ? undefined : true,
      addZeroAttn: addZeroAttn ? true : undefined,
    });
  }
}

function checkShape(name: string, mask: Tensor, shapes: readonly number[][]): void {
  if (shapes.some((shape) => shape.join() === mask.shape.join())) return;
  const wanted = shapes.map((shape) => `[${shape.join(', ')}]`).join(' or ');
  throw new ShapeError(`${name} must have shape ${wanted}, not [${mask.shape.join(', ')}].`);
}

/** A mask as numbers to be added: -Infinity where a boolean one is true. */
export function additive(name: string, mask: Tensor, dtype: Dtype): Tensor {
  if (mask.dtype === 'bool') {
    return torch.zeros(mask.shape, { dtype, device: mask.device }).maskedFill(mask, -Infinity);
  }
  if (mask.dtype.includes('float')) return mask;
  throw new DtypeError(`${name} must be bool or floating-point, not ${mask.dtype}.`);
}
