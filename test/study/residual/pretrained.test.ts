/** Studies that train a pretrained model on. */
import fs from 'node:fs';
import path from 'node:path';

import { formatConfig } from '../../../lib/config';
import { ConfigError } from '../../../lib/errors';
import { ResidualLlama } from '../../../lib/residual';
import { evaluateRun, readStudy, trainStudy, type StudyInput } from '../../../lib/study';
import { temporaryFolder } from '../../train/tokens';
import { smallStudy, writeCorpus } from '../small';

let folder: string;
let pretrained: string;
let study: StudyInput;

beforeAll(async () => {
  folder = temporaryFolder();
  const small = smallStudy(writeCorpus(folder), path.join(folder, 'runs'));
  const made = await trainStudy(
    {
      ...small,
      model: { ...small.model, ropeScaling: { type: 'linear', factor: 2 } },
      train: { maxSteps: 2, batchSize: 2 },
    },
    { cacheDir: path.join(folder, 'cache') },
  );
  pretrained = path.join(made.folder, 'latest');
  study = { ...small, model: { pretrained, residual: '3.2' }, train: { maxSteps: 1, batchSize: 2, learningRate: 0 } };
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

const refusedWith = (code: string, message: RegExp): Error =>
  expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error;
const resolved = (model: StudyInput['model'], data = {}) =>
  readStudy({ ...study, model, data: { ...study.data, ...data } });

test('a section without sizes is told what is missing, and nothing of how sizes fit together', () => {
  const missing = ['hiddenSize', 'numHiddenLayers', 'numAttentionHeads'];
  const lines = missing.map(
    (key) => `study model.${key} missing; expected a whole number, or pretrained, which brings it`,
  );
  expect(() => resolved({})).toThrow(new ConfigError(lines.join('\n')));
});

test('sizes and the tokenizer are those of the pretrained model', () => {
  const { model, data } = resolved({ pretrained });
  expect(model).toMatchObject({
    pretrained,
    vocabSize: 256,
    hiddenSize: 16,
    intermediateSize: 24,
    numHiddenLayers: 2,
    headDim: 8,
    ropeScaling: { type: 'linear', factor: 2 },
    residual: { site: 'none' },
  });
  expect(data.tokenizer).toBe(pretrained);
  expect(resolved({ pretrained }, { tokenizer: 'bytes' }).data.tokenizer).toBe('bytes');
});

test('sizes may be repeated, not changed', () => {
  expect(resolved({ pretrained, hiddenSize: 16, numHiddenLayers: 2 }).model.hiddenSize).toBe(16);
  expect(() => resolved({ pretrained, hiddenSize: 32, rmsNormEps: 1e-6 })).toThrow(
    refusedWith(
      'ERR_CONFIG',
      /model\.hiddenSize 32 is not that of the pretrained model, which is 16[^]*model\.rmsNormEps/,
    ),
  );
});

test('what is not there, or not a Llama, is refused at its place', () => {
  const file = path.join(folder, 'study.yaml');
  fs.writeFileSync(file, formatConfig({ ...study, model: { pretrained: path.join(folder, 'nowhere') } }));
  expect(() => readStudy(file)).toThrow(
    refusedWith('ERR_CONFIG', /study\.yaml:\d+:\d+ model\.pretrained there is no .*nowhere\/config\.json/),
  );
  const foreign = path.join(folder, 'foreign');
  fs.mkdirSync(foreign);
  for (const [content, message] of [
    ['{ "model_type": "gpt2" }', /model\.pretrained .*config\.json/],
    ['{', /model\.pretrained .*cannot be read/],
  ] as const) {
    fs.writeFileSync(path.join(foreign, 'config.json'), content);
    expect(() => resolved({ pretrained: foreign })).toThrow(refusedWith('ERR_CONFIG', message));
  }
});

test('without a pretrained model, sizes that are missing are all named', () => {
  expect(() => resolved({ hiddenSize: 16, windw: 2 } as StudyInput['model'])).toThrow(
    refusedWith(
      'ERR_CONFIG',
      /windw[^]*numHiddenLayers missing[^]*numAttentionHeads missing|numHiddenLayers missing[^]*windw/,
    ),
  );
});

test('training begins with its weights, and the run can be evaluated where it is gone', async () => {
  const { folder: run } = await trainStudy(study, { cacheDir: path.join(folder, 'cache') });
  const [before, after] = [await ResidualLlama.load(pretrained), await ResidualLlama.load(path.join(run, 'latest'))];
  for (const [name, parameter] of before.namedParameters()) {
    expect(after.stateDict().get(name)!.toArray()).toEqual(parameter.toArray());
  }
  expect(after.config.residual).toMatchObject({ site: 'mlp', weights: 'learned' });
  expect(after.tokenizer!.fingerprint).toBe(before.tokenizer!.fingerprint);
  fs.renameSync(pretrained, `${pretrained}-moved`);
  try {
    const { metrics } = await evaluateRun(run, {
      overrides: ['data.tokenizer=bytes'],
      cacheDir: path.join(folder, 'cache'),
    });
    expect(metrics.eval_loss).toBeGreaterThan(0);
    await expect(trainStudy(study)).rejects.toThrow(refusedWith('ERR_CONFIG', /pretrained/));
  } finally {
    fs.renameSync(`${pretrained}-moved`, pretrained);
  }
});
