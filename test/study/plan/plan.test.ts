/** What a plan says, and that a training holds what was planned. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

import { planStudy, planText, runStudy, trainStudy, type AnyStudyInput } from '../../../lib/study';
import { temporaryFolder } from '../../train/tokens';
import { smallTranslationStudy, writePairs } from '../pairs';
import { smallStudy, writeCorpus } from '../small';

let folder: string;
let corpus: string;
beforeAll(() => {
  folder = temporaryFolder();
  corpus = writeCorpus(folder);
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

const study = () => smallStudy(corpus, path.join(folder, 'runs'));
const languageStudy = (): AnyStudyInput => ({
  task: 'language-model',
  name: 'small-texts',
  data: { corpus, validation: 0.2, blockSize: 32 },
  models: {
    Transformer: { type: 'transformer', hiddenSize: 16, decoder: { layers: 1, heads: 2 } },
    DeLighT: { type: 'delight', hiddenSize: 32, decoder: { blocks: 2, minDepth: 2, maxDepth: 2 } },
  },
  train: { epochs: 2, batchSize: 4, accumulation: 2 },
  output: path.join(folder, 'runs'),
});

test('a residual study: its variants, steps, tokens, operations, time and memory', async () => {
  const plan = await planStudy(study());
  expect(plan.trainings.map(({ title }) => title)).toEqual(['Baseline', 'Method 3.2']);
  const [baseline, method] = plan.trainings as [(typeof plan.trainings)[0], (typeof plan.trainings)[0]];
  expect(baseline).toMatchObject({ steps: 12, batch: '4 x 32 tokens' });
  expect(baseline.tokensPerStep).toBeCloseTo(128, -1);
  expect(baseline.tokens).toBeCloseTo(12 * baseline.tokensPerStep, 6);
  expect(method.flopsPerStep).toBeGreaterThan(baseline.flopsPerStep);
  expect(baseline.secondsPerStep).toBeCloseTo(baseline.flopsPerStep / (plan.peakFlops * plan.utilisation), 9);
  for (const { memory, parameters } of plan.trainings) {
    const { total, ...parts } = memory.training;
    expect(Object.values(parts).reduce((sum, bytes) => sum + bytes, 0)).toBeCloseTo(total, 0);
    expect(parts).toMatchObject({ weights: 4 * parameters, optimizer: 8 * parameters });
    expect(parts.process).toBeGreaterThan(30e6);
    expect(memory.fits).toBe(true);
  }
  expect(planText(plan)).toMatch(/Method 3\.2, evaluation[\s\S]*an estimate within 15 %/);
});

test('what a plan says of steps is what the training does', async () => {
  const events: number[] = [];
  const [planned] = (await planStudy(languageStudy(), { model: 'DeLighT' })).trainings;
  await trainStudy(languageStudy(), {
    model: 'DeLighT',
    out: path.join(folder, 'trained'),
    onEvent: (event) => {
      if (event.type === 'step') events.push(event.tokens);
    },
  });
  expect(planned!.steps).toBe(events.length);
  expect(planned!.tokens).toBeCloseTo(
    events.reduce((sum, tokens) => sum + tokens, 0),
    6,
  );
});

test('a translation study: batches of pairs, padding counted', async () => {
  const pairs = smallTranslationStudy(writePairs(folder), path.join(folder, 'runs'));
  const { trainings } = await planStudy(pairs);
  expect(trainings.length).toBe(Object.keys(pairs.models).length);
  for (const { batch, advice, tokensPerStep } of trainings) {
    expect(batch).toMatch(/^\d+ pairs of \d+ and \d+ tokens$/);
    expect(tokensPerStep).toBeGreaterThan(10);
    expect(advice.join('\n')).toMatch(/train\.maxTokens=[\s\S]*activationCheckpointing=true/);
  }
});

test('a variant that the study does not list can be planned by its name; what is none is refused', async () => {
  const { trainings } = await planStudy(study(), { model: '4.1' });
  expect(trainings.map(({ title }) => title)).toEqual(['Method 4.1']);
  await expect(planStudy(study(), { model: '9.9' })).rejects.toMatchObject({ code: 'ERR_CONFIG' });
  await expect(planStudy(languageStudy(), { model: 'Mamba' })).rejects.toMatchObject({ code: 'ERR_CONFIG' });
});

test.each([
  ['a batch', { hiddenSize: 256, numHiddenLayers: 400, numAttentionHeads: 8 }, 'train\\.batchSize=256 '],
  ['a model', { hiddenSize: 65536, numHiddenLayers: 300, numAttentionHeads: 64 }, 'a smaller model \\('],
])('%s that cannot fit is planned with advice, and refused before it is trained', async (_what, model, advice) => {
  const small = study();
  const huge = { ...small, model, train: { ...small.train, batchSize: 512 } };
  const plan = await planStudy(huge);
  expect(plan.trainings[0]!.memory.fits).toBe(false);
  expect(planText(plan)).toMatch(
    new RegExp(`Baseline needs about [\\d.]+ GB, more than is free\\. Lower it:\\n {2}${advice}`),
  );
  const refused = {
    code: 'ERR_OUT_OF_MEMORY',
    message: expect.stringMatching(new RegExp(`weights [\\d.]+ GB.*${advice}`, 's')) as string,
  };
  await expect(trainStudy(huge, { out: path.join(folder, 'huge') })).rejects.toMatchObject(refused);
  await expect(runStudy(huge, { out: path.join(folder, 'all-huge') })).rejects.toMatchObject(refused);
});

const onLinux = fs.existsSync('/proc/self/status') ? test : test.skip;

onLinux(
  'the peak resident memory of a process that trains is within 15 % of its plan',
  async () => {
    const root = path.resolve(__dirname, '../../..');
    const child = [...['-r', path.join(root, 'scripts/register.cjs')], path.join(__dirname, 'measured-training.ts')];
    const env = { ...process.env, NODE_OPTIONS: '', OMP_NUM_THREADS: '1' };
    const { stdout } = await promisify(execFile)(process.execPath, [...child, folder], { env });
    const { planned, measured, tensors } = JSON.parse(stdout) as Record<string, number>;
    expect(Math.abs(planned! / measured! - 1)).toBeLessThan(0.15);
    expect(tensors! / measured!).toBeGreaterThan(0.4); // not the process, but what it trains
  },
  120_000,
);
