export { ResidualLlama } from './model';
export { checkMemory, countParameters } from './cost';
export type { BatchEvaluation, SpecialTokens } from './model';
export { modelSchema, modelSectionSchema, residualOverrideSchema, residualSchema, residualTitle } from './config';
export type { ModelConfig, ModelOptions, ResidualConfig, ResidualOverride } from './config';
export { parseVariant, variantName, variantNames, variantTitle } from './variant';
export type { ResidualVariant, Site, VariantName, Weighting } from './variant';
export { parityCases } from './parity';
export { fromHuggingFace, toHuggingFace } from './huggingface';
