/** What a training step and an evaluation hold at their peak, estimated from sizes alone. */
import type { ModelConfig } from './config';
import { countParameters, earlierPairs, recomputedPairs, widths } from './parameters';

/** Bytes. */
export interface ModelMemory {
  /** float32. */
  weights: number;
  /** Gradients and AdamW's two moments, float32. */
  optimizer: number;
  /** Attention probabilities that later layers and the backward pass use again; the half that causality forbids is not kept. */
  probabilities: number;
  /** All else that the backward pass needs. */
  activations: number;
  /** All of these: the peak of a training step. */
  training: number;
  /** Weights, kept probabilities, and the work on one layer: the peak of an evaluation. */
  evaluation: number;
}

interface BatchSize {
  time: number;
  batch: number;
  /** Of one activation. */
  elementBytes: number;
}

export function modelMemory(config: ModelConfig, { time, batch, elementBytes }: BatchSize): ModelMemory {
  const { numHiddenLayers: layers, residual } = config;
  const weights = 4 * countParameters(config);
  const tokens = batch * time;
  const ofOneLayer = (elementBytes * batch * config.numAttentionHeads * (time * (time + 1))) / 2;
  const probabilities = layers * ofOneLayer;
  const { own, pair, stored } = activationsPerToken(config);
  const activations =
    elementBytes * tokens * (layers * own + recomputedPairs(config) * pair + earlierPairs(config) * stored);
  const kept = residual.site === 'none' || residual.source === 'stored' ? 1 : layers;
  return {
    weights,
    optimizer: 3 * weights,
    probabilities,
    activations,
    training: 4 * weights + probabilities + activations,
    evaluation: weights + kept * ofOneLayer + elementBytes * tokens * own,
  };
}

/** Elements that the backward pass keeps of one token: for a layer, and for each earlier one in it, recomputed or stored. */
function activationsPerToken(config: ModelConfig): { own: number; pair: number; stored: number } {
  const { hiddenSize: d, intermediateSize: ff, residual } = config;
  const { queries: dq, keys: dkv } = widths(config);
  // Values and what the probabilities make of them.
  const attention = dkv + dq;
  // The stream, its norm, gate and up, their product.
  const mlp = 2 * d + 3 * ff;
  return {
    own: 2 * d + dq + dkv + attention + mlp,
    pair: residual.site === 'mlp' ? attention + mlp : attention,
    stored: d,
  };
}
