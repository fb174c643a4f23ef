/** What `metrics.jsonl` holds: a JSON object a line, each told apart by its `type`. */
import { z } from 'zod';

/** JSON has null where a number is not finite. */
export const measured = z
  .number()
  .nullable()
  .transform((value) => value ?? NaN);
const count = z.int().nonnegative();
export const metrics = z.record(z.string(), measured);

/** Deeper than any options are: who goes through them by recursion comes back. */
const deepest = 100;
const isShallow = (value: unknown, depth = 0): boolean =>
  typeof value !== 'object' ||
  value === null ||
  (depth < deepest && Object.values(value).every((inner) => isShallow(inner, depth + 1)));

/** Common to all but the first: after how many steps, and after how many seconds of training, those before a resumption included. */
const moment = { step: count, seconds: z.number() };

const start = z.object({
  type: z.literal('start'),
  /** When, by ISO 8601. */
  time: z.string(),
  /** Steps made before: more than 0 where a training goes on. */
  step: count,
  /** Null where it is not known before the end. */
  totalSteps: count.nullable(),
  parameters: count,
  /** The training's resolved options. */
  config: z
    .record(z.string(), z.unknown())
    .refine((config) => isShallow(config), `is nested deeper than ${deepest} levels`),
  device: z.string(),
  /** Of torchwright, libtorch and node. */
  versions: z.record(z.string(), z.string()),
  /** Folder of the checkpoint it goes on from. */
  resumedFrom: z.string().nullable().default(null),
  /** What is trained, in a few words. */
  title: z.string().optional(),
});

const step = z.object({
  type: z.literal('step'),
  ...moment,
  /** Passes over the training data. */
  epoch: measured,
  /** What is minimised, a mean over the step's targets, in nats. */
  loss: measured,
  /** Plain cross-entropy in nats, where `loss` is another, as with label smoothing. */
  nll: measured.optional(),
  /** L2 norm before clipping. */
  gradNorm: measured,
  learningRate: measured,
  /** In the step, without padding. */
  tokens: count,
  /** Mean over the last steps. */
  tokensPerSecond: measured,
  /** Seconds of the step that went into each part. */
  split: z.object({ data: measured, forward: measured, backward: measured, optimizer: measured }),
  /** Model FLOPs utilisation: operations that the model needs, as a part of what the device's matrix products reach; 1 is all. */
  mfu: measured.optional(),
  /** Resident bytes of the process now, and most so far. */
  memory: count.optional(),
  peakMemory: count.optional(),
  /** Bytes of tensors on the accelerator now, and most so far. */
  deviceMemory: count.optional(),
  peakDeviceMemory: count.optional(),
  /** Of the loss, in float16 training. */
  scale: measured.optional(),
  /** What the loss function of a user's own module tells beside the loss. */
  metrics: metrics.optional(),
});

const layerMix = z.object({
  layer: z.int().positive(),
  /** The earliest layer whose weight it has. */
  first: count,
  /** Of the layers from `first` to the layer itself. */
  weights: z.array(measured),
});

const evaluation = z.object({
  type: z.literal('evaluation'),
  ...moment,
  epoch: measured,
  /** `eval_loss` and others, with Hugging Face's names. */
  metrics,
  /** No earlier one had a lower `eval_loss`. */
  best: z.boolean(),
  /** Of residual variants that learn them. */
  layerWeights: z.array(layerMix).optional(),
});

const checkpoint = z.object({
  type: z.literal('checkpoint'),
  ...moment,
  /** Within the run's folder. */
  folder: z.string(),
  best: z.boolean(),
  /** `step`, `time`, `evaluation`, `asked`, `stopped` or `end`. */
  reason: z.string().optional(),
});

export const textSample = z.object({
  /** What the model was given. */
  source: z.string(),
  /** What stands there in the data; null where that is not one text. */
  reference: z.string().nullable(),
  /** What the model made of it. */
  text: z.string(),
});

const sample = z.object({ type: z.literal('sample'), ...moment, samples: z.array(textSample) });

const warning = z.object({ type: z.literal('warning'), ...moment, message: z.string() });

const end = z.object({
  type: z.literal('end'),
  ...moment,
  /** `steps`, `epochs`, `tokens`, `minutes`, `early-stopping`, `data-ended`, `stopped` or `failed`. */
  reason: z.string(),
  /** Why it failed. */
  error: z.string().nullable().default(null),
  /** Of the training as a whole. */
  metrics,
});

export const recordSchema = z.discriminatedUnion('type', [start, step, evaluation, checkpoint, sample, warning, end]);

/** One line of `metrics.jsonl`. Numbers that were not finite are NaN. */
export type HistoryRecord = z.output<typeof recordSchema>;
export type StartRecord = z.output<typeof start>;
export type StepRecord = z.output<typeof step>;
export type EvaluationRecord = z.output<typeof evaluation>;
export type CheckpointRecord = z.output<typeof checkpoint>;
export type SampleRecord = z.output<typeof sample>;
export type WarningRecord = z.output<typeof warning>;
export type EndRecord = z.output<typeof end>;
/** How strongly earlier layers and its own output enter one layer's sum. */
export type LayerMix = z.output<typeof layerMix>;
/** A text that was shown to a model, and what it made of it. */
export type TextSample = z.output<typeof textSample>;

/** Those of one type, in order. */
export function recordsOf<Type extends HistoryRecord['type']>(
  records: readonly HistoryRecord[],
  type: Type,
): Extract<HistoryRecord, { type: Type }>[] {
  return records.filter((record): record is Extract<HistoryRecord, { type: Type }> => record.type === type);
}
