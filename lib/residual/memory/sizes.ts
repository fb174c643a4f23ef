/** Sizes that the replay of a pass needs, in bytes. */
import type { ModelConfig } from '../config';
import { widths } from '../parameters';

export interface BatchSize {
  time: number;
  batch: number;
  precision: 'float32' | 'bf16' | 'float16';
  device: 'cpu' | 'cuda';
}

/** Bytes of an element of the parameters, and of the stream of hidden states. */
export const wide = 4;

/** What a configuration and a batch come to. */
export class Sizes {
  readonly tokens: number;
  /** Bytes of an element of what is computed. */
  readonly element: number;
  readonly queries: number;
  readonly keys: number;
  /** Whether attention is computed in a core's cache, with kernels of our own. */
  readonly inCache: boolean;
  readonly keepsProbabilities: boolean;
  readonly keepsOwn: boolean;
  /** Layers whose probabilities are kept at once. */
  readonly keptLayers: number;

  constructor(
    readonly config: ModelConfig,
    readonly batch: BatchSize,
    training: boolean,
  ) {
    const { queries, keys } = widths(config);
    this.tokens = batch.batch * batch.time;
    this.element = batch.precision === 'float32' ? 4 : 2;
    this.queries = queries;
    this.keys = keys;
    this.inCache = batch.device === 'cpu' && batch.precision === 'float32';
    const { numHiddenLayers: layers, residual, activationCheckpointing, probabilityBudget } = config;
    const own = training && !this.inCache && !activationCheckpointing;
    const readers = residual.site === 'none' || residual.source === 'stored' ? 0 : layers - 1;
    const lookedBack = residual.window === 0 ? readers : Math.min(readers, residual.window + 1);
    const most = own ? layers : training ? readers : lookedBack;
    this.keepsProbabilities = most * this.probabilities <= probabilityBudget * 2 ** 30;
    this.keepsOwn = this.keepsProbabilities && own;
    this.keptLayers = this.keepsProbabilities ? most : 0;
  }

  /** Of one layer's probabilities, where they are kept: blocks of rows see the keys up to their own end. */
  get probabilities(): number {
    const { time, batch } = this.batch;
    const block = this.scoreRows;
    let scores = 0;
    for (let begin = 0; begin < time; begin += block) {
      const count = Math.min(block, time - begin);
      scores += count * (begin + count);
    }
    return this.element * batch * this.config.numAttentionHeads * scores;
  }

  /** Of the largest block of scores that is computed at once; in the cache there is next to none. */
  get scoreBlock(): number {
    const { time, batch } = this.batch;
    if (this.inCache) return 0;
    return this.element * batch * this.config.numAttentionHeads * Math.min(this.scoreRows, time) * time;
  }

  private get scoreRows(): number {
    const { time, device } = this.batch;
    if (device === 'cuda') return 1024;
    return this.inCache ? 96 : time <= 256 ? 64 : 128;
  }

  /** Of so many features of every token, as they are computed. */
  rows(features: number): number {
    return this.element * this.tokens * features;
  }

  /** Of the stream of hidden states. */
  get stream(): number {
    return wide * this.tokens * this.config.hiddenSize;
  }

  /** Whether a layer's outputs are scaled before they are added up. */
  scales(layer: number): boolean {
    return this.config.residual.weights !== 'sum' && this.firstEarlier(layer) < layer;
  }

  /** The first layer that one looks back to; itself where there is none. */
  firstEarlier(layer: number): number {
    const { residual } = this.config;
    if (residual.site === 'none') return layer;
    return residual.window === 0 ? 0 : Math.max(0, layer - residual.window);
  }

  /** Whether a later layer runs this one again. */
  isRecomputed(layer: number): boolean {
    const { residual, numHiddenLayers } = this.config;
    return residual.site !== 'none' && residual.source === 'recomputed' && layer + 1 < numHiddenLayers;
  }
}
