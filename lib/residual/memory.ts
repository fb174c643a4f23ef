/**
 * What a training step and an evaluation hold at their peak, estimated from sizes alone: the tensors that the native side makes, without
 * what the process needs besides. Measured peaks of resident memory (8 layers of 256, Linux, glibc, CPU) were higher: in float32 by 5 to 30 %;
 * in bf16, whose products the library makes with buffers of its own, and with checkpointing by 10 to 60 %.
 */
import type { ModelConfig } from './config';
import { countParameters, earlierPairs, recomputedPairs, widths } from './parameters';

/** Bytes. */
export interface ModelMemory {
  /** float32. */
  weights: number;
  /** Gradients and AdamW's two moments, float32. */
  optimizer: number;
  /** Attention probabilities that a pass keeps for later uses, in training and in evaluation; 0 where the budget is too small. */
  probabilities: { training: number; evaluation: number };
  /** All else that the backward pass needs, and the logits that are there at once. */
  activations: number;
  /** The peak of a training step: all of these, since allocators keep what is freed in between. */
  training: number;
  /** The peak of an evaluation. */
  evaluation: number;
}

export interface BatchSize {
  time: number;
  batch: number;
  precision: 'float32' | 'bf16';
  device: 'cpu' | 'cuda';
}

export function modelMemory(config: ModelConfig, size: BatchSize): ModelMemory {
  const { numHiddenLayers: layers, activationCheckpointing, probabilityBudget } = config;
  const { hiddenSize: d, vocabSize } = config;
  const weights = 4 * countParameters(config);
  const bytes = size.precision === 'bf16' ? 2 : 4;
  const tokens = size.batch * size.time;

  const most = layersOfProbabilities(config, size);
  const ofOneLayer = bytes * size.batch * config.numAttentionHeads * keptScores(size);
  const kept = (count: number) => (count * ofOneLayer <= probabilityBudget * 2 ** 30 ? count * ofOneLayer : 0);
  const probabilities = { training: kept(most.training), evaluation: kept(most.evaluation) };

  const { layer, pair, folded, mixed } = keptBy(config, size);
  const pairs = recomputedPairs(config);
  // What later uses of a layer's probabilities leave for its own backward pass, which comes after theirs.
  const waiting = config.residual.detachProbs ? 0 : pairs * pair.attention;
  const inside = activationCheckpointing
    ? // The inputs of all layers, and the inside of one, which is made anew.
      layers * d + layer + (pairs > 0 ? widest(config) * pair.all : 0) + waiting
    : layers * layer + pairs * pair.all;
  const stored = config.residual.source === 'stored' && config.residual.weights === 'learned' ? layers * d : 0;
  const loss = 2 * tokens * d * bytes + (4 + bytes) * logitElements(config, size);
  const activations = bytes * (tokens * (inside + stored + d) + folded + mixed) + loss;
  const outputs = pairs > 0 ? widest(config) * pair.attention : 0;
  const work = bytes * (tokens * (2 * d + layer + outputs) + folded + (layers > 1 ? mixed / layers : 0));
  return {
    weights,
    optimizer: 3 * weights,
    probabilities,
    activations,
    // The loss makes the head's gradient with the logits, before the backward pass.
    training: 4 * weights + probabilities.training + activations + 4 * vocabSize * d,
    evaluation: weights + probabilities.evaluation + work + (4 + bytes) * logitElements(config, size),
  };
}

/** Most earlier layers that one layer looks back to. */
const widest = ({ numHiddenLayers: layers, residual: { window } }: ModelConfig) =>
  window === 0 ? layers - 1 : Math.min(window, layers - 1);

/** Of so many layers at once probabilities would be kept. On the CPU, in float32, a layer's own are made again in the backward pass. */
function layersOfProbabilities(
  config: ModelConfig,
  { precision, device }: BatchSize,
): { training: number; evaluation: number } {
  const { numHiddenLayers: layers, residual, activationCheckpointing } = config;
  const read = residual.site === 'none' || residual.source === 'stored' ? 0 : layers - 1;
  const ownToo = !activationCheckpointing && !(device === 'cpu' && precision === 'float32');
  return {
    training: ownToo ? layers : read,
    evaluation: residual.window === 0 ? read : Math.min(read, residual.window + 1),
  };
}

/** Scores of one head, as the native side counts them for the budget: blocks of rows see the keys up to their own end. */
function keptScores({ time, device, precision }: BatchSize): number {
  const block = device === 'cuda' ? 1024 : precision === 'float32' ? 96 : time <= 256 ? 64 : 128;
  let scores = 0;
  for (let begin = 0; begin < time; begin += block) {
    const count = Math.min(block, time - begin);
    scores += count * (begin + count);
  }
  return scores;
}

/** The head takes rows in parts, so that not all logits are there at once. */
function logitElements({ vocabSize }: ModelConfig, { batch, time, device }: BatchSize): number {
  const rows = Math.max(256, Math.floor((device === 'cpu' ? 2 ** 20 : 2 ** 27) / vocabSize));
  return Math.min(rows, batch * time) * vocabSize;
}

/**
 * Elements: of each token, what the backward pass keeps for a layer and for each earlier one run again in it; of the whole model, weights with
 * the norms' gains folded in, and those that are put side by side or scaled for sums over layers.
 */
function keptBy(config: ModelConfig, { precision, device }: BatchSize) {
  const { hiddenSize: d, intermediateSize: ff, numHiddenLayers: layers, residual } = config;
  const { queries: dq, keys: dkv } = widths(config);
  const keysTwice = device === 'cpu' && precision === 'float32' ? dkv : 0;
  // Values, what the probabilities make of them; the norm, gate and up, their product.
  const attention = dkv + dq;
  const mlp = d + 3 * ff;
  const terms = layers + recomputedPairs(config);
  const scaled = residual.weights !== 'sum' && earlierPairs(config) > 0 && residual.source === 'recomputed';
  const outputs = residual.site === 'attention' ? dq * d : scaled ? ff * d : 0;
  const converted = precision === 'bf16' ? dq * d + ff * d : 0;
  return {
    layer: d + dq + dkv + keysTwice + attention + mlp,
    // The gradients of what the probabilities gave wait for the backward pass of the layer that made them.
    pair: { attention, all: attention + dq + (residual.site === 'mlp' ? mlp : 0) },
    folded: layers * (d * (dq + 2 * dkv) + 2 * d * ff + converted),
    mixed: terms * (d * dkv + (residual.site === 'none' ? dq * d : outputs)),
  };
}
