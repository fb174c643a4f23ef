/** A model's training inside a run's folder: its checkpoints, its state, its report. */
import path from 'node:path';

import { saveMetrics, saveTrainerState, type Metrics, type Split } from '../../metrics';
import type { Checkpoints, EndEvent, Trainer } from '../../train';
import { HistoryWriter, type LayerMix } from './history';
import { bestName, lastName, type Context } from './options';

/** What is trained: its name in reports, the run's folder, and how the model is written and read back. */
export interface Trainee extends Pick<Checkpoints, 'save' | 'restore'> {
  title: string;
  folder: string;
  /** What a model has learned about its layers; it goes into the history after each evaluation. */
  layerWeights?: () => Promise<LayerMix[]>;
}

export interface TrainingResult {
  metrics: Metrics;
  best: { step: number; loss: number } | null;
  epoch: number;
  /** Of the weights that the model has now. */
  step: number;
  /** Folders of the recent models that `keepLast` asked for, the oldest first. */
  recent: string[];
  /** Tokens learned to predict, for each second of the training. */
  tokensPerSecond: number;
}

/**
 * Trains, tells the trainer's events, and writes `best/`, `last/`, `metrics.jsonl`, `trainer_state.json` (also when stopped) and the report of
 * the training.
 *
 * @param start - makes the trainer
 */
export async function trainInFolder(
  { title, folder, save, restore, layerWeights }: Trainee,
  start: (checkpoints: Checkpoints) => Trainer,
  context: Context,
): Promise<TrainingResult> {
  const trainer = start({ best: path.join(folder, bestName), last: path.join(folder, lastName), save, restore });
  const history = new HistoryWriter(folder);
  let end: EndEvent | undefined;
  try {
    for await (const event of trainer) {
      if (event.type === 'end') end = event;
      await history.add(event, event.type === 'evaluation' ? await layerWeights?.() : undefined);
      context.onEvent?.(event);
    }
  } finally {
    await history.flush();
    if (trainer.state.globalStep > 0) await saveTrainerState(folder, trainer.state);
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
