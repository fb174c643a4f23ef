/**
 * The configuration of a DeLighT or Transformer model: the `model:` section of a study and the argument of the models' `create`.
 * `type` says which; `architecture: delight-wmt14-en-de-640` gives every key a value, which others beside it override.
 */
import { z } from 'zod';

import { parseConfig } from '../config';
import { ConfigError } from '../errors';
import { namedArchitecture, type TranslationTask } from './architectures';
import { languageSchema, translationSchema } from './schema';

export { architectureNames } from './architectures';
export { activationNames, normNames, type ActivationName, type NormName } from './keys';
export type { DelightEmbedding, DelightStack, TransformerStack } from './stack';

type Task = 'translation' | 'language';

/** Puts the keys of a named architecture under those that stand beside its name, section by section. */
function underlay(task: Task) {
  return (value: unknown, context: z.RefinementCtx): unknown => {
    if (!isSection(value) || !('architecture' in value)) return value;
    const { architecture: name, ...given } = value;
    const complain = (message: string) => {
      context.addIssue({ code: 'custom', path: ['architecture'], message, input: name });
      return z.NEVER;
    };
    if (typeof name !== 'string') return complain('expected the name of an architecture');
    try {
      const named = namedArchitecture(name);
      if (named.task !== task)
        return complain(`${name} is for ${named.task === 'language' ? 'language modelling' : 'translation'}`);
      return merge(named.keys, given);
    } catch (error) {
      if (error instanceof ConfigError) return complain(error.message);
      throw error;
    }
  };
}

type Keys = Record<string, unknown>;
const isSection = (value: unknown): value is Keys =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function merge(under: Keys, over: Keys): Keys {
  const merged = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = under[key];
    if (isSection(below) && isSection(value)) merged[key] = merge(below, value);
    else if (value !== undefined) merged[key] = value;
  }
  return merged;
}

/** A translation model's section of a study, where the vocabularies' sizes may be left to the data. */
export const translationModelSchema = z.preprocess(underlay('translation'), translationSchema) as z.ZodType<
  z.output<typeof translationSchema>,
  TranslationModelOptions
>;
/** A language model's section of a study, where the vocabulary's size may be left to the data. */
export const languageModelSchema = z.preprocess(underlay('language'), languageSchema) as z.ZodType<
  z.output<typeof languageSchema>,
  LanguageModelOptions
>;

export type TranslationModelSection = z.output<typeof translationModelSchema>;
export type LanguageModelSection = z.output<typeof languageModelSchema>;

/** A translation model's resolved configuration: every size is there. Reads back as the same. */
export type TranslationModelConfig = TranslationModelSection & { sourceVocabSize: number; targetVocabSize: number };
/** A language model's resolved configuration: every size is there. Reads back as the same. */
export type LanguageModelConfig = LanguageModelSection & { vocabSize: number };
export type ModelConfig = TranslationModelConfig | LanguageModelConfig;

type Named<T> = T | (Partial<T> & { architecture: string });
/** What a caller writes: sizes or an architecture's name, and whatever differs from the defaults. */
export type TranslationModelOptions = Named<z.input<typeof translationSchema>>;
export type LanguageModelOptions = Named<z.input<typeof languageSchema>>;

const missing = 'missing; expected the number of entries of the vocabulary';

const completeTranslationSchema = translationModelSchema.transform((section, context): TranslationModelConfig => {
  const { sourceVocabSize, targetVocabSize } = section;
  if (sourceVocabSize !== undefined && targetVocabSize !== undefined)
    return { ...section, sourceVocabSize, targetVocabSize };
  const key = sourceVocabSize === undefined ? 'sourceVocabSize' : 'targetVocabSize';
  context.addIssue({ code: 'custom', path: [key], message: missing });
  return z.NEVER;
});

const completeLanguageSchema = languageModelSchema.transform((section, context): LanguageModelConfig => {
  const { vocabSize } = section;
  if (vocabSize !== undefined) return { ...section, vocabSize };
  context.addIssue({ code: 'custom', path: ['vocabSize'], message: missing });
  return z.NEVER;
});

/**
 * Checks a translation model's options and fills in every default.
 *
 * @param name - what messages call the options
 * @throws ConfigError with every problem, and the nearest possible value of impossible sizes
 */
export function translationModelConfig(options: TranslationModelOptions, name = 'model'): TranslationModelConfig {
  return parseConfig(options, completeTranslationSchema, name);
}

/** As `translationModelConfig`, for a language model. */
export function languageModelConfig(options: LanguageModelOptions, name = 'model'): LanguageModelConfig {
  return parseConfig(options, completeLanguageSchema, name);
}

/** Whether a configuration is a translation model's. */
export function isTranslation(config: ModelConfig): config is TranslationModelConfig {
  return 'encoder' in config;
}

/**
 * The resolved configuration of a named architecture, with its vocabularies.
 *
 * @throws ConfigError with the nearest name
 */
export function architecture(name: `${string}-${TranslationTask}${string}`): TranslationModelConfig;
export function architecture(name: `${string}-wiki103${string}`): LanguageModelConfig;
export function architecture(name: string): ModelConfig;
export function architecture(name: string): ModelConfig {
  const { task, keys, vocabulary } = namedArchitecture(name);
  return task === 'translation'
    ? translationModelConfig({ ...keys, ...vocabulary }, name)
    : languageModelConfig({ ...keys, ...vocabulary }, name);
}
