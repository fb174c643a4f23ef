/**
 * What a configuration costs, counted without building it: parameters, floating-point operations, the cache of a token that is decoded,
 * memory. Needs no libtorch. Counting rules: matrix products count, a multiply-add as two operations; norms, activations, softmax, rotary
 * positions and additions do not, so stored outputs are free of cost here.
 */
import { checkArgument } from '../arguments';
import { ArgumentError } from '../errors';
import type { ModelConfig } from './config';
import { modelMemory, type ModelMemory } from './memory';
import { countParameters, recomputedPairs, widths } from './parameters';

/** Forward operations of one token, in a sequence of so many. */
export interface ForwardFlops {
  /** The layers' own work. */
  layers: number;
  /** Earlier layers, run again. */
  recomputation: number;
  /** Logits. */
  head: number;
  total: number;
}

/**
 * Forward operations of one token of a sequence of `time`, by the counting rules above.
 *
 * @param keys how many keys a query meets: `causal` skips the half that causality forbids, (time + 1) / 2 on the mean, as this program does;
 *   `dense` computes whole `time x time` products, as most programs do
 */
export function forwardFlops(config: ModelConfig, time: number, keys: 'causal' | 'dense' = 'causal'): ForwardFlops {
  const { hiddenSize: d, intermediateSize: ff, residual } = config;
  const { queries: dq, keys: dkv } = widths(config);
  const met = keys === 'dense' ? time : (time + 1) / 2;
  const mlp = 6 * d * ff;
  const layer = 2 * d * dq + 4 * d * dkv + 2 * dq * d + 4 * met * dq + mlp;
  // Values from the current stream, the kept probabilities applied to them, the output projection.
  const attentionAgain = 2 * d * dkv + 2 * met * dq + 2 * dq * d;
  const again = residual.site === 'mlp' ? attentionAgain + mlp : attentionAgain;
  const layers = config.numHiddenLayers * layer;
  const recomputation = recomputedPairs(config) * again;
  const head = 2 * d * config.vocabSize;
  return { layers, recomputation, head, total: layers + recomputation + head };
}

export interface CostOptions {
  /** Tokens of a sequence. */
  time: number;
  /** Sequences of a batch. */
  batch: number;
  /** `bf16` and `float16`: weights and optimiser in float32, activations in the half type. Default `float32`. */
  precision?: 'float32' | 'bf16' | 'float16';
  /** Default `cpu`. */
  device?: 'cpu' | 'cuda';
  /** Batches to an optimiser's step: from the second on, gradients wait while the next is computed. Default 1. */
  accumulation?: number;
}

/** What a model costs for batches of one size. */
export interface ModelCost {
  parameters: number;
  /** Pairs of a layer and an earlier one that is run again for it. */
  recomputedPairs: number;
  /** Forward, for each token; `causal` is what runs here. */
  flopsPerToken: { causal: ForwardFlops; dense: ForwardFlops };
  /** Forward and backward, for a batch: three times forward; layers once more where their activations are made anew. */
  flopsPerStep: number;
  /** What decoding keeps of every token it has seen: keys and values of each layer, and values for each recomputed pair. */
  cachePerToken: { elements: number; bytes: number };
  memory: ModelMemory;
}

/** The cost of a model. @throws ArgumentError for sizes that are none */
export function modelCost(config: ModelConfig, options: CostOptions): ModelCost {
  checkArgument(config, 'object', "A model's configuration, such as model.config,");
  checkArgument(options, 'object', 'The sizes of a batch, { time, batch },');
  const { time, batch, precision = 'float32', device = 'cpu', accumulation = 1 } = options;
  for (const [name, size] of Object.entries({ time, batch, accumulation })) {
    if (!Number.isInteger(size) || size < 1 || size > 2 ** 31)
      throw new ArgumentError(`The cost's ${name} must be a whole number from 1 on, not ${size}.`);
  }
  const elementBytes = precision === 'float32' ? 4 : 2;
  const causal = forwardFlops(config, time);
  const again = config.activationCheckpointing ? causal.layers + causal.recomputation : 0;
  const elements = (2 * config.numHiddenLayers + recomputedPairs(config)) * widths(config).keys;
  return {
    parameters: countParameters(config),
    recomputedPairs: recomputedPairs(config),
    flopsPerToken: { causal, dense: forwardFlops(config, time, 'dense') },
    flopsPerStep: (3 * causal.total + again) * time * batch,
    cachePerToken: { elements, bytes: elements * elementBytes },
    memory: modelMemory(config, { time, batch, precision, device }, accumulation),
  };
}
