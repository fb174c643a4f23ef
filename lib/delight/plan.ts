/** Every block of a model with its sizes, from its configuration alone. */
import type { ModelConfig, TranslationModelConfig } from './config';
import type { DelightStack } from './stack';
import { blockScaling, transformationPlan, type TransformationPlan } from './transformation';

export { blockScaling, maxGroups, transformationPlan } from './transformation';
export type {
  GroupLinearSize,
  Scaling,
  ScalingOptions,
  TransformationOptions,
  TransformationPlan,
} from './transformation';

/** What an encoder or decoder layer holds. */
export type BlockPlan =
  | {
      type: 'delight';
      hiddenSize: number;
      /** Gives half of `hiddenSize` to the single-head attention. */
      transformation: TransformationPlan;
      ffnSize: number;
    }
  | { type: 'transformer'; hiddenSize: number; heads: number; ffnSize: number };

type DelightConfig = Extract<ModelConfig, { type: 'delight' }>;

function delightBlocks({ hiddenSize, define }: DelightConfig, stack: DelightStack): BlockPlan[] {
  const { maxGroups, ffnReduction } = stack;
  const half = hiddenSize / 2;
  const features = { inFeatures: hiddenSize, projFeatures: half, outFeatures: half };
  return blockScaling(stack).map((block) => ({
    type: 'delight',
    hiddenSize,
    transformation: transformationPlan({ ...features, ...block, maxGroups, define }),
    ffnSize: Math.floor(hiddenSize / ffnReduction),
  }));
}

function transformerBlocks(hiddenSize: number, stack: { layers: number; heads: number; ffnSize: number }): BlockPlan[] {
  const { layers, heads, ffnSize } = stack;
  return Array.from({ length: layers }, () => ({ type: 'transformer', hiddenSize, heads, ffnSize }));
}

/** The encoder's layers, from input to output. @throws ConfigError for impossible sizes */
export function encoderPlan(config: TranslationModelConfig): BlockPlan[] {
  return config.type === 'delight'
    ? delightBlocks(config, config.encoder)
    : transformerBlocks(config.hiddenSize, config.encoder);
}

/** The decoder's layers, from input to output. @throws ConfigError for impossible sizes */
export function decoderPlan(config: ModelConfig): BlockPlan[] {
  return config.type === 'delight'
    ? delightBlocks(config, config.decoder)
    : transformerBlocks(config.hiddenSize, config.decoder);
}

/** The transformation above the look-up table, `embeddingSize` to `hiddenSize`; a Transformer has none. */
export function embeddingPlan(config: ModelConfig): TransformationPlan | null {
  if (config.type !== 'delight') return null;
  const { hiddenSize, embeddingSize, embedding, define } = config;
  const features = { inFeatures: embeddingSize, projFeatures: hiddenSize / 2, outFeatures: hiddenSize };
  return transformationPlan({ ...features, ...embedding, define });
}

/** Width of the look-up table (of its first band, if adaptive) and of the output layer. */
export function tableWidth(config: ModelConfig): number {
  return config.type === 'delight' ? config.embeddingSize : config.hiddenSize;
}
