/**
 * Looks for a learning rate from coarse to fine: first a wide grid, then the neighbourhood of its best, for two sizes of a model at once. After
 * `npm run build`:
 *
 *     node examples/sweep.mjs                     Moby-Dick, 100 steps each: some minutes on two cores
 *     node examples/sweep.mjs my.txt 50           another text, fewer steps
 *
 * `npx torchwright sweep demo train.learningRate=1e-3,3e-3 --processes 2` does a sweep by itself; see docs/sweeps.md.
 */
import os from 'node:os';

import { runSweep } from 'torchwright';

const [corpus = 'moby-dick', steps = '100'] = process.argv.slice(2);

const study = {
  name: 'coarse-to-fine',
  model: { hiddenSize: 32, numHiddenLayers: 2, numAttentionHeads: 2, maxPositionEmbeddings: 64 },
  data: { corpus, blockSize: 64 },
  train: { maxSteps: Number(steps), evalEvery: Number(steps), schedule: 'cosine', warmupRatio: 0.1 },
};
const options = {
  processes: Math.min(2, os.availableParallelism()),
  onEvent(event) {
    if (event.type === 'trialEnd')
      console.error(`${event.trial.title}: ${event.how} (${event.ended} of ${event.runs})`);
  },
};

const sizes = [32, 48];
const coarse = await runSweep(study, {
  ...options,
  grid: { 'train.learningRate': [1e-4, 1e-3, 1e-2], 'model.hiddenSize': sizes },
});
console.log(`${coarse.text}\n`);

const rate = coarse.best.settings['train.learningRate'];
const fine = await runSweep(study, {
  ...options,
  grid: { 'train.learningRate': [rate / 2, rate * 2], 'model.hiddenSize': sizes },
});
const best = [coarse.best, fine.best].sort((a, b) => a.score - b.score)[0];
console.log(`${fine.text}\n\nBest of all: ${best.title}, loss ${best.score.toFixed(4)}`);
