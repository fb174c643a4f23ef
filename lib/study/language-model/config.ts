/** A study of language models: one text, one training, several models. */
import { z } from 'zod';

import { dataSchema } from '../../data/schema';
import { languageModelSchema } from '../../delight/config';
import { trainSectionSchema } from '../../train/config';
import { checkLearningRates, learningRatesSchema, modelsSchema } from '../models/models';
import { header } from '../shared/header';

/** The schema of a `study.yaml` with `task: language-model`. */
export const languageModelStudySchema = z
  .strictObject({
    task: z.literal('language-model'),
    ...header,
    data: dataSchema,
    /** What `compare` trains, on the same blocks in the same order; `train` takes the first, or the one that is named. */
    models: modelsSchema(languageModelSchema),
    train: trainSectionSchema.prefault({}),
    learningRates: learningRatesSchema,
    /** For the perplexity with context: tokens of a block that are only read again. Default: half of the block. */
    contextWindow: z.int().nonnegative().optional(),
  })
  .superRefine(checkLearningRates);

/** The resolved configuration of a language-model study. */
export type LanguageModelStudyConfig = z.output<typeof languageModelStudySchema>;
/** What a user writes. */
export type LanguageModelStudyInput = z.input<typeof languageModelStudySchema>;
