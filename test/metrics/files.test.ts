import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { saveMetrics, saveTrainerState } from '../../lib/metrics';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'metrics-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const read = (name: string) => readFileSync(path.join(folder, name), 'utf8');

describe('saveMetrics', () => {
  test('writes a file for the split and merges all of them', async () => {
    await saveMetrics(folder, 'train', { epoch: 5, train_loss: 3, train_samples: 7 });
    await saveMetrics(folder, 'eval', { epoch: 5, eval_loss: 800.5, eval_perplexity: Infinity, eval_accuracy: NaN });
    await saveMetrics(folder, 'eval', { eval_loss: 2, eval_steps_per_second: -Infinity });
    expect(read('train_results.json')).toBe('{\n    "epoch": 5.0,\n    "train_loss": 3.0,\n    "train_samples": 7\n}');
    expect(read('eval_results.json')).toBe('{\n    "eval_loss": 2.0,\n    "eval_steps_per_second": -Infinity\n}');
    expect(read('all_results.json')).toBe(
      '{\n    "epoch": 5.0,\n    "eval_accuracy": NaN,\n    "eval_loss": 2.0,\n    "eval_perplexity": Infinity,\n' +
        '    "eval_steps_per_second": -Infinity,\n    "train_loss": 3.0,\n    "train_samples": 7\n}',
    );
    expect(readdirSync(folder).sort()).toEqual(['all_results.json', 'eval_results.json', 'train_results.json']);
  });

  test.each(['{"epoch": 5.0', '[1]', '{"epoch": "five"}', 'null'])(
    'refuses to merge into %s, leaving all as it was',
    async (text) => {
      writeFileSync(path.join(folder, 'all_results.json'), text);
      await expect(saveMetrics(folder, 'eval', { eval_loss: 1 })).rejects.toMatchObject({ code: 'ERR_DATA' });
      expect(read('all_results.json')).toBe(text);
      expect(readdirSync(folder)).toEqual(['all_results.json']);
    },
  );
});

test('saveTrainerState writes what the Trainer writes', async () => {
  await saveTrainerState(folder, {
    bestGlobalStep: 5,
    bestMetric: 3,
    bestModelCheckpoint: 'runs/né "a"\\best\t\u{1f600}',
    epoch: 5,
    evalSteps: 5,
    globalStep: 10,
    logHistory: [
      { epoch: 2.5, grad_norm: 1, learning_rate: 1e-5, loss: 5, step: 5 },
      { epoch: 2.5, eval_loss: 3, eval_runtime: 1, eval_samples_per_second: 143, step: 5 },
    ],
    loggingSteps: 5,
    maxSteps: 10,
    numInputTokensSeen: 20480,
    numTrainEpochs: 5,
    saveSteps: 5,
    totalFlos: 147362507890851840,
    trainBatchSize: 8,
  });
  const goldens = JSON.parse(readFileSync(path.join(__dirname, '../fixtures/metrics/goldens.json'), 'utf8')) as {
    state: string;
  };
  expect(read('trainer_state.json')).toBe(goldens.state);
});
