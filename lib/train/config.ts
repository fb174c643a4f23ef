/** The `train:` section: how long, how fast, how often looked at. Names and defaults are those of Hugging Face's TrainingArguments. */
import { z } from 'zod';

import { earlyStoppingSchema } from './guards/early-stopping';
import { overfitSchema } from './guards/overfit';
import { updateScheduleSchema } from './schedule';

const count = z.int().positive();
/** Seeds go through a JavaScript number and must survive `seed + epoch`. */
export const seedSchema = z
  .int()
  .nonnegative()
  .max(2 ** 48);

/** Training ends with the first of them that is reached. The learning rate is planned for the first of steps, epochs and tokens. */
const lengths = {
  /** Passes over the training data; may be fractional. Default 3, unless `maxSteps` or `maxTrainTokens` is given: then any number. */
  epochs: z.number().positive().optional(),
  /** Optimiser steps. */
  maxSteps: count.optional(),
  /** Tokens read in training, padding not counted; for a module's own data, the targets that its loss tells. The step that reaches the number is the last. */
  maxTrainTokens: count.optional(),
  /** Minutes of training, evaluations included and pauses not, and those before a resumption too. */
  maxMinutes: z.number().positive().optional(),
};

const guards = {
  /** Evaluate before the first step, so that what would fail hours later fails at once; Hugging Face's `eval_on_start`. */
  sanity: z.boolean().default(false),
  /** In place of the training, learn a few batches by heart, which a sound model and a sound learning rate can. */
  overfit: overfitSchema.optional(),
  /** End when evaluations no longer get better. */
  earlyStopping: earlyStoppingSchema.optional(),
  /** Allow only operators that give the same bits each time, as `torch.useDeterministicAlgorithms`, for as long as training runs. */
  deterministic: z.boolean().default(false),
};

/** What a step takes of blocks of tokens. */
const blockBatches = {
  /** Blocks in a micro-batch. */
  batchSize: count.default(8),
  evalBatchSize: count.default(8),
  /** Micro-batches to an optimiser step. */
  accumulation: count.default(1),
};

/** What a step takes of sentence pairs. */
const pairBatches = {
  /** Most tokens in a micro-batch, padding and end marks counted, on the longer side; in evaluation too. */
  maxTokens: count.default(4096),
  /** Most pairs in a micro-batch. Default: any number. */
  maxSentences: count.optional(),
  /** A step takes micro-batches until it predicts at least so many tokens. Default: one micro-batch. */
  updateTokens: count.optional(),
};

/** What a step takes of a loader, whose batches are what it gives. */
const loaderBatches = {
  /** Batches of the loader to an optimiser step. */
  accumulation: count.default(1),
};

const optimisation = {
  /** The highest learning rate, reached after the warm-up. */
  learningRate: z.number().nonnegative().default(5e-5),
  /** Down to 0 at the last step, or a schedule by updates as fairseq has them. */
  schedule: z.union([z.enum(['linear', 'cosine', 'constant']), updateScheduleSchema]).default('linear'),
  /** Steps in which the rate grows linearly from 0. */
  warmupSteps: z.int().nonnegative().optional(),
  /** The same as a share of all steps, rounded up. */
  warmupRatio: z.number().min(0).max(1).optional(),
  /** `fairseq-adam` adds epsilon before the bias correction, and decays every parameter. */
  optimizer: z.enum(['adamw', 'fairseq-adam']).default('adamw'),
  /** Decoupled; `adamw` spares biases and norm weights. */
  weightDecay: z.number().nonnegative().default(0),
  beta1: z.number().min(0).lt(1).default(0.9),
  beta2: z.number().min(0).lt(1).default(0.999),
  epsilon: z.number().positive().default(1e-8),
  /** Gradients are scaled to at most this joint L2 norm; 0 or null leaves them. */
  maxGradNorm: z.number().nonnegative().nullable().default(1),
  /** `bf16` and `float16`: weights and updates in float32, products under autocast; `float16` with dynamic loss scaling. */
  precision: z.enum(['float32', 'bf16', 'float16']).default('float32'),
  /** Seeds the order of the data; default: the run's seed. Each epoch is ordered anew. */
  dataSeed: seedSchema.optional(),
  /** Evaluate after every so many steps, or after each epoch; and after the last step. */
  evalEvery: z.union([count, z.literal('epoch')]).default(500),
  logEvery: count.default(500),
  /** Go back to the best checkpoint by `eval_loss` when training has ended. */
  loadBestModelAtEnd: z.boolean().default(false),
  /**
   * Write a checkpoint as often as is evaluated, after each epoch, every so many steps or every so many minutes; also whenever an evaluation is the
   * best so far, when training is stopped, and at its end.
   */
  saveEvery: z
    .union([z.enum(['evaluation', 'epoch']), count, z.strictObject({ minutes: z.number().positive() })])
    .default('evaluation'),
  /** Checkpoints that are kept, besides the best. */
  keepLast: count.default(2),
  /** Keep the models of the last so many evaluations, to be averaged. */
  averageLast: count.optional(),
  /** When there is no room for a checkpoint: `stop` with an error, or `continue` with a warning. Those before are kept either way. */
  onSaveFailure: z.enum(['stop', 'continue']).default('stop'),
};

type Section = z.output<z.ZodObject<typeof lengths & typeof optimisation & typeof guards>>;

function checkSection(section: Section, context: z.RefinementCtx): void {
  const refuse = (key: keyof Section, message: string) =>
    context.addIssue({ code: 'custom', path: [key], message, input: section[key] });
  if (section.warmupSteps !== undefined && (section.warmupRatio ?? 0) > 0)
    refuse(
      'warmupSteps',
      'give either warmupRatio or warmupSteps, not both; warmupRatio: 0 takes back that of a study below',
    );
  if (typeof section.schedule === 'string') return;
  for (const key of ['warmupSteps', 'warmupRatio'] as const) {
    if (section[key] !== undefined) refuse(key, 'a schedule by updates has its own warmupUpdates');
  }
}

const blockShape = { ...lengths, ...blockBatches, ...optimisation, ...guards };
const pairShape = { ...lengths, ...pairBatches, ...optimisation, ...guards };
const moduleShape = { ...lengths, ...loaderBatches, ...optimisation, ...guards };
const seed = seedSchema.default(42);

/** The section as a study of blocks writes it; the seed is the study's own. */
export const trainSectionSchema = z.strictObject(blockShape).superRefine(checkSection);
/** The section and the run's seed: what a Trainer of blocks needs. */
export const trainSchema = z.strictObject({ ...blockShape, seed }).superRefine(checkSection);
/** The section as a study of sentence pairs writes it. */
export const pairTrainSectionSchema = z.strictObject(pairShape).superRefine(checkSection);
/** The section and the run's seed: what a Trainer of sentence pairs needs. */
export const pairTrainSchema = z.strictObject({ ...pairShape, seed }).superRefine(checkSection);
/** What a Trainer of users' own modules needs. */
export const moduleTrainSchema = z.strictObject({ ...moduleShape, seed }).superRefine(checkSection);

export type TrainConfig = z.output<typeof trainSchema>;
export type TrainOptions = z.input<typeof trainSchema>;
export type PairTrainConfig = z.output<typeof pairTrainSchema>;
export type PairTrainOptions = z.input<typeof pairTrainSchema>;
export type ModuleTrainConfig = z.output<typeof moduleTrainSchema>;
export type ModuleTrainOptions = z.input<typeof moduleTrainSchema>;

export type Precision = TrainConfig['precision'];

/** The dtype of autocast. */
export function autocastOf(precision: Precision): 'bfloat16' | 'float16' | null {
  if (precision === 'float32') return null;
  return precision === 'bf16' ? 'bfloat16' : 'float16';
}

/** Passes over the data. */
export function epochsOf({ epochs, maxSteps, maxTrainTokens }: Pick<Section, keyof typeof lengths>): number {
  return epochs ?? (maxSteps === undefined && maxTrainTokens === undefined ? 3 : Infinity);
}
