/** Sizes that follow from a configuration: how many parameters a model has, and how many pairs of layers. */
import type { ModelConfig } from './config';

/** Parameters of the token embedding. */
export function embeddingParameters(config: ModelConfig): number {
  return config.vocabSize * config.hiddenSize;
}

/** All parameters; a tied head counts once. */
export function countParameters(config: ModelConfig): number {
  const { hiddenSize: d, intermediateSize: ff, numHiddenLayers: layers } = config;
  const { queries, keys } = widths(config);
  const attention = 2 * d * queries + 2 * d * keys + (config.attentionBias ? queries + 2 * keys + d : 0);
  const mlp = 3 * d * ff + (config.mlpBias ? 2 * ff + d : 0);
  const tables = embeddingParameters(config) * (config.tieWordEmbeddings ? 1 : 2);
  return tables + d + layers * (attention + mlp + 2 * d) + mixingParameters(config);
}

/** Widths of all query heads and of all key (or value) heads together. */
export function widths({ numAttentionHeads, numKeyValueHeads, headDim }: ModelConfig) {
  return { queries: numAttentionHeads * headDim, keys: numKeyValueHeads * headDim };
}

/** Pairs of a layer and an earlier one whose output enters it: L(L-1)/2, fewer with a window. */
export function earlierPairs({ numHiddenLayers: layers, residual }: ModelConfig): number {
  if (residual.site === 'none') return 0;
  const most = residual.window === 0 ? layers - 1 : Math.min(residual.window, layers - 1);
  return (most * (most + 1)) / 2 + (layers - 1 - most) * most;
}

/** Pairs of a layer and an earlier one that is recomputed for it; none where outputs are stored. */
export function recomputedPairs(config: ModelConfig): number {
  return config.residual.source === 'stored' ? 0 : earlierPairs(config);
}

/** One learned weight for each term of each layer's mix; layer 0 has none. */
function mixingParameters(config: ModelConfig): number {
  const { residual, numHiddenLayers: layers } = config;
  if (residual.site === 'none' || residual.weights !== 'learned') return 0;
  return earlierPairs(config) + (residual.normSet === 'with_current' ? layers - 1 : 0);
}
