/** The training of one of a study's models in its run folder, up to the weights that are scored. */
import fs from 'node:fs/promises';
import path from 'node:path';

import { averageCheckpoints, type RunOptions, type Trainer } from '../../train';
import type { Place } from '../shared/task';
import { averagedName, type Context } from '../shared/options';
import { trainInFolder, type Trainee, type TrainingResult } from '../shared/training';

/** What is to be trained, and how the run's folder and its events name it. */
export interface ModelTrainee extends Trainee {
  parameters: number;
  place: Place;
  /** Whether the mean of the recent models is what is kept. */
  averages: boolean;
}

/** Trains it, and takes the mean of the last checkpoints where it is asked for. */
export async function trainModel(
  trainee: ModelTrainee,
  start: (run: RunOptions) => Trainer,
  context: Context,
): Promise<TrainingResult> {
  const { title, folder, parameters, place } = trainee;
  context.onEvent?.({ type: 'variant', title, ...place, parameters, folder });
  const result = await trainInFolder(trainee, start, context);
  if (trainee.averages) {
    const averaged = path.join(folder, averagedName);
    // One that is there is from before a break.
    await fs.rm(averaged, { recursive: true, force: true });
    await averageCheckpoints(result.recent, averaged, { signal: context.signal });
    await trainee.restore(averaged);
  }
  return result;
}
