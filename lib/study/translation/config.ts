/** A study of translation models: one parallel corpus, one training, several models. */
import { z } from 'zod';

import { pairDataSchema } from '../../data/pairs/schema';
import { translationModelSchema } from '../../delight/config';
import { pairTrainSectionSchema } from '../../train/config';
import { checkLearningRates, learningRatesSchema, modelsSchema } from '../models/models';
import { header } from '../shared/header';

const count = z.int().positive();

/** How the test set is translated: the names and rules of fairseq's beam search. */
const decodeSchema = z.strictObject({
  beams: count.default(5),
  /** Scores are divided by length to this power: above 1 favours long translations, below it short ones. */
  lengthPenalty: z.number().default(1),
  /** Fewest tokens of a translation before its end mark. */
  minLength: z.int().nonnegative().default(1),
  /** A translation of a source of S tokens has at most `maxLengthA` * S + `maxLengthB`. */
  maxLengthA: z.number().nonnegative().default(0),
  maxLengthB: z.int().nonnegative().default(200),
  /** Source tokens of a batch, padding counted, and texts of a batch, at most. */
  batchTokens: count.default(4096),
  batchSentences: count.default(64),
});

/** The schema of a `study.yaml` with `task: translation`. */
export const translationStudySchema = z
  .strictObject({
    task: z.literal('translation'),
    ...header,
    data: pairDataSchema,
    /** What `compare` trains, on the same batches in the same order; `train` takes the first, or the one that is named. */
    models: modelsSchema(translationModelSchema),
    train: pairTrainSectionSchema.prefault({}),
    learningRates: learningRatesSchema,
    decode: decodeSchema.prefault({}),
  })
  .superRefine((study, context) => {
    checkLearningRates(study, context);
    for (const [name, model] of Object.entries(study.models)) {
      if (!model.shareEmbeddings || study.data.vocabulary.joint) continue;
      const message = 'needs one vocabulary for both languages: set data.vocabulary.joint to true, or this to false';
      context.addIssue({ code: 'custom', path: ['models', name, 'shareEmbeddings'], message, input: true });
    }
  });

/** The resolved configuration of a translation study. */
export type TranslationStudyConfig = z.output<typeof translationStudySchema>;
/** What a user writes. */
export type TranslationStudyInput = z.input<typeof translationStudySchema>;
