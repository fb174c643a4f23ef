/** The `train:` section: how long, how fast, how often looked at. Names and defaults are those of Hugging Face's TrainingArguments. */
import { z } from 'zod';

const count = z.int().positive();
/** Seeds go through a JavaScript number and must survive `seed + epoch`. */
export const seedSchema = z
  .int()
  .nonnegative()
  .max(2 ** 48);

const trainShape = {
  /** Passes over the training blocks; may be fractional. Default 3, unless `maxSteps` is given. */
  epochs: z.number().positive().optional(),
  /** Optimiser steps; epochs are repeated until they are made. */
  maxSteps: count.optional(),
  /** Blocks in a micro-batch. */
  batchSize: count.default(8),
  evalBatchSize: count.default(8),
  /** Micro-batches to an optimiser step. */
  accumulation: count.default(1),
  /** The highest learning rate, reached after the warm-up. */
  learningRate: z.number().nonnegative().default(5e-5),
  schedule: z.enum(['linear', 'cosine', 'constant']).default('linear'),
  /** Steps in which the rate grows linearly from 0. */
  warmupSteps: z.int().nonnegative().optional(),
  /** The same as a share of all steps, rounded up. */
  warmupRatio: z.number().min(0).max(1).optional(),
  /** Decoupled; biases and norm weights are spared. */
  weightDecay: z.number().nonnegative().default(0),
  beta1: z.number().min(0).lt(1).default(0.9),
  beta2: z.number().min(0).lt(1).default(0.999),
  epsilon: z.number().positive().default(1e-8),
  /** Gradients are scaled to at most this joint L2 norm; null leaves them. */
  maxGradNorm: z.number().positive().nullable().default(1),
  /** `bf16`: weights and updates in float32, products under autocast. */
  precision: z.enum(['float32', 'bf16']).default('float32'),
  /** Seeds the order of the blocks; default: the run's seed. Epoch e is ordered by `dataSeed + e`. */
  dataSeed: seedSchema.optional(),
  /** Evaluate after every so many steps, and after the last. */
  evalEvery: count.default(500),
  logEvery: count.default(500),
  /** Go back to the best checkpoint by `eval_loss` when training has ended. */
  loadBestModelAtEnd: z.boolean().default(false),
};

interface Lengths {
  epochs?: number | undefined;
  maxSteps?: number | undefined;
  warmupSteps?: number | undefined;
  warmupRatio?: number | undefined;
}

function checkLengths(lengths: Lengths, context: z.RefinementCtx): void {
  const exclude = (key: keyof Lengths, other: keyof Lengths) => {
    if (lengths[key] === undefined || lengths[other] === undefined) return;
    context.addIssue({
      code: 'custom',
      path: [key],
      message: `give either ${other} or ${key}, not both`,
      input: lengths[key],
    });
  };
  exclude('maxSteps', 'epochs');
  exclude('warmupSteps', 'warmupRatio');
}

/** The section as a study writes it; the seed is the study's own. */
export const trainSectionSchema = z.strictObject(trainShape).superRefine(checkLengths);

/** The section and the run's seed: what a Trainer needs. */
export const trainSchema = z.strictObject({ ...trainShape, seed: seedSchema.default(42) }).superRefine(checkLengths);

export type TrainConfig = z.output<typeof trainSchema>;
export type TrainOptions = z.input<typeof trainSchema>;

export type Precision = TrainConfig['precision'];

/** The dtype of the native jobs' autocast. */
export function autocastOf(precision: Precision): string | null {
  return precision === 'bf16' ? 'bfloat16' : null;
}
