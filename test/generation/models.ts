import { ResidualLlama, type ModelOptions } from '../../lib/residual';
import { torch } from '../../lib/tensor';

/** A small decoder with fresh weights, the same each time, large enough to have opinions. */
export function smallLlama(change: Partial<ModelOptions> = {}): ResidualLlama {
  torch.manualSeed(11);
  return ResidualLlama.create({
    vocabSize: 40,
    hiddenSize: 16,
    intermediateSize: 24,
    numHiddenLayers: 3,
    numAttentionHeads: 2,
    numKeyValueHeads: 1,
    initializerRange: 0.3,
    ...change,
  });
}
