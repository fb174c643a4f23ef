/** A model's training inside a run's folder: its checkpoints, its state, its report. */
import path from 'node:path';

import { saveMetrics, saveTrainerState, type Metrics, type Split } from '../../metrics';
import type { Checkpoints, EndEvent, Trainer } from '../../train';
import { bestName, lastName, type Context } from './options';

/** What is trained: its name in reports, the run's folder, and how the model is written and read back. */
export interface Trainee extends Pick<Checkpoints, 'save' | 'restore'> {
  title: string;
  folder: string;
}

export interface TrainingResult {
  metrics: Metrics;
  best: { step: number; loss: number } | null;
  epoch: number;
  /** Folders of the recent models that `keepLast` asked for, the oldest first. */
  recent: string[];
  /** Tokens learned to predict, for each second of the training. */
  tokensPerSecond: number;
}

/**
 * Trains, tells the trainer's events, and writes `best/`, `last/`, `trainer_state.json` (also when stopped) and the report of the training.
 *
 * @param start - makes the trainer
 */
export async function trainInFolder(
  { title, folder, save, restore }: Trainee,
  start: (checkpoints: Checkpoints) => Trainer,
  context: Context,
): Promise<TrainingResult> {
  const trainer = start({ best: path.join(folder, bestName), last: path.join(folder, lastName), save, restore });
  let end: EndEvent | undefined;
  try {
    for await (const event of trainer) {
      if (event.type === 'end') end = event;
      context.onEvent?.(event);
    }
  } finally {
    if (trainer.state.globalStep > 0) await saveTrainerState(folder, trainer.state);
  }
  const { metrics, best, recent, targets } = end!;
  await report({ title, folder, split: 'train', metrics }, context);
  const tokensPerSecond = targets / (metrics.train_runtime ?? NaN);
  return { metrics, best, epoch: trainer.state.epoch, recent, tokensPerSecond };
}

/** Saves the final metrics of one part of the data, and tells them. */
export async function report(
  { title, folder, split, metrics }: { title: string; folder: string; split: Split; metrics: Metrics },
  { onEvent }: Context,
): Promise<void> {
  await saveMetrics(folder, split, metrics);
  onEvent?.({ type: 'report', title, split, metrics });
}
