/** A model's training inside a run's folder: its checkpoints, its state, its report. */
import path from 'node:path';

import { saveMetrics, saveTrainerState, type Metrics, type Split } from '../../metrics';
import { Trainer, type Checkpoints, type EndEvent, type LanguageModel, type TrainerOptions } from '../../train';
import { bestName, lastName, type Context } from './options';

export interface TrainingResult {
  metrics: Metrics;
  best: { step: number; loss: number } | null;
  epoch: number;
}

/** Trains, tells the trainer's events, and writes `best/`, `last/`, `trainer_state.json` (also when stopped) and the report of the training. */
export async function trainInFolder(
  model: LanguageModel,
  {
    title,
    folder,
    ...options
  }: Omit<TrainerOptions, 'checkpoints'> & Pick<Checkpoints, 'save' | 'restore'> & { title: string; folder: string },
  { onEvent }: Context,
): Promise<TrainingResult> {
  const { save, restore, ...train } = options;
  const checkpoints = { best: path.join(folder, bestName), last: path.join(folder, lastName), save, restore };
  const trainer = new Trainer(model, { ...train, checkpoints });
  let end: EndEvent | undefined;
  try {
    for await (const event of trainer) {
      if (event.type === 'end') end = event;
      onEvent?.(event);
    }
  } finally {
    if (trainer.state.globalStep > 0) await saveTrainerState(folder, trainer.state);
  }
  const { metrics, best } = end!;
  await report({ title, folder, split: 'train', metrics }, { onEvent });
  return { metrics, best, epoch: trainer.state.epoch };
}

/** Saves the final metrics of one part of the data, and tells them. */
export async function report(
  { title, folder, split, metrics }: { title: string; folder: string; split: Split; metrics: Metrics },
  { onEvent }: Context,
): Promise<void> {
  await saveMetrics(folder, split, metrics);
  onEvent?.({ type: 'report', title, split, metrics });
}
