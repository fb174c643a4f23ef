/** A small training by hand, to be saved and gone on from. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import * as nn from '../../../lib/nn';
import type { Optimizer } from '../../../lib/optim';
import { loadSafetensors, noGrad, saveSafetensors, scope, torch } from '../../../lib/tensor';
import { CheckpointKeeper, fillTraining, type TrainingFacts, type TrainingParts } from '../../../lib/train/checkpoints';
import type { Resumable } from '../../../lib/train/checkpoints';

export const temporaryFolder = () => fs.mkdtempSync(path.join(os.tmpdir(), 'torchwright-checkpoints-'));

export function makeNet(): nn.Sequential {
  torch.manualSeed(3);
  return new nn.Sequential(new nn.Linear(6, 8), new nn.Tanh(), new nn.Dropout(0.3), new nn.Linear(8, 3));
}

/** Steps on random data, with dropout: what follows depends on the generator too. */
export function trainSteps(net: nn.Sequential, optimizer: Optimizer, steps: number): number[] {
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    scope(() => {
      const loss = nn.functional.mseLoss(net.forward(torch.randn([4, 6])), torch.randn([4, 3]));
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      losses.push(loss.item());
    });
  }
  return losses;
}

export const weightsOf = (net: nn.Module) => [...net.stateDict()].map(([name, tensor]) => [name, tensor.toArray()]);

export const filesOf = (net: nn.Module) => ({
  save: (folder: string) => saveSafetensors(path.join(folder, 'model.safetensors'), net.stateDict()),
  async restore(folder: string) {
    const state = await loadSafetensors(path.join(folder, 'model.safetensors'));
    noGrad(() => net.loadStateDict(state));
  },
});

export const partsOf = (optimizer: Optimizer, scaler: TrainingParts['scaler'] = null): TrainingParts => ({
  optimizer,
  scaler,
  others: { state: () => null, restore: () => undefined },
  generators: ['cpu'],
});

export const factsAt = (step: number, progress: TrainingFacts['progress'] = null): TrainingFacts => ({
  step,
  settings: { train: { learningRate: 0.1 } },
  environment: {},
  progress,
});

/** Fills a training with what a checkpoint holds. */
export async function goOn(net: nn.Module, { folder, saved }: Resumable, parts: TrainingParts): Promise<void> {
  await filesOf(net).restore(folder);
  await fillTraining(folder, saved, parts);
}

export const keeperOf = (run: string, net: nn.Module, keepLast = 2) =>
  new CheckpointKeeper(run, filesOf(net), keepLast);
