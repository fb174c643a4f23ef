/** A model's training inside a run's folder: its checkpoints, its state, its report. */
import { saveMetrics, type LayerMix, type Metrics, type Split } from '../../metrics';
import type { EndEvent, ModelFiles, RunOptions, Trainer } from '../../train';
import type { Context } from './options';

/** What is trained: its name in reports, the run's folder, and how the model is written and read back. */
export interface Trainee extends ModelFiles {
  title: string;
  folder: string;
  /** What the model makes of some data now; see `RunOptions.sample`. */
  sample: RunOptions['sample'];
  /** What a model has learned about its layers; it goes into the history after each evaluation. */
  layerWeights?: () => Promise<LayerMix[]>;
}

export interface TrainingResult {
  metrics: Metrics;
  best: { step: number; loss: number } | null;
  epoch: number;
  /** Of the weights that the model has now. */
  step: number;
  /** Folders of the recent models that `averageLast` asked for, the oldest first. */
  recent: string[];
  /** Tokens learned to predict, for each second of the training. */
  tokensPerSecond: number;
}

/**
 * Trains, tells the trainer's events, and writes checkpoints, `metrics.jsonl`, `trainer_state.json` (also when stopped) and the report of
 * the training. A training that was stopped in this folder goes on.
 *
 * @param start - makes the trainer
 */
export async function trainInFolder(
  { title, folder, save, restore, sample, layerWeights }: Trainee,
  start: (run: RunOptions) => Trainer,
  context: Context,
): Promise<TrainingResult> {
  const { signal, allowChanges, profile } = context;
  const run = { out: folder, resume: 'if-there', allowChanges, save, restore, signal } as const;
  const trainer = start({ ...run, title, sample, layerWeights, profile });
  let end: EndEvent | undefined;
  for await (const event of trainer) {
    if (event.type === 'end') end = event;
    context.onEvent?.(event);
  }
  const { metrics, best, recent, targets } = end!;
  await report({ title, folder, split: 'train', metrics }, context);
  const tokensPerSecond = targets / (metrics.train_runtime ?? NaN);
  const { epoch, globalStep } = trainer.state;
  const step = trainer.config.loadBestModelAtEnd ? (best?.step ?? globalStep) : globalStep;
  return { metrics, best, epoch, step, recent, tokensPerSecond };
}

/** Saves the final metrics of one part of the data, and tells them. */
export async function report(
  { title, folder, split, metrics }: { title: string; folder: string; split: Split; metrics: Metrics },
  { onEvent }: Context,
): Promise<void> {
  await saveMetrics(folder, split, metrics);
  onEvent?.({ type: 'report', title, split, metrics });
}
