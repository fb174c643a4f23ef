import fs from 'node:fs';
import path from 'node:path';

import { formatConfig } from '../../lib/config';
import type { StudyPlan } from '../../lib/study';
import { smallStudy, writeCorpus } from '../study/small';
import { temporaryFolder } from '../train/tokens';
import { runCli } from './run-cli';

let cwd: string;
const plan = (...args: string[]) => runCli(['plan', 'study.yaml', ...args], { cwd, cacheDir: path.join(cwd, 'cache') });

beforeAll(() => {
  cwd = temporaryFolder();
  writeCorpus(cwd);
  fs.writeFileSync(path.join(cwd, 'study.yaml'), formatConfig(smallStudy('corpus.txt', 'runs')));
});
afterAll(() => fs.rmSync(cwd, { recursive: true }));

test('a table of every training and of its peaks, and nothing is trained', async () => {
  const { code, stdout } = await plan();
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Training +Parameters +Steps/m);
  expect(stdout).toMatch(/^Method 3\.2 +[\d,]+ +12 /m);
  expect(stdout).toMatch(/^Baseline, evaluation( +\d+ MB){8}$/m);
  expect(stdout).toMatch(/typical of such trainings/);
  expect(fs.existsSync(path.join(cwd, 'runs'))).toBe(false);
});

test('one variant as JSON, with overrides', async () => {
  const { code, stdout } = await plan('--model', '3.2', '--json', 'train.maxSteps=7');
  expect(code).toBe(0);
  const { trainings, peakFlops } = JSON.parse(stdout) as StudyPlan;
  expect(peakFlops).toBeGreaterThan(1e8);
  expect(trainings).toMatchObject([{ title: 'Method 3.2', steps: 7, memory: { fits: true } }]);
});

test('what does not fit ends with 1 and advice; a variant that is none with 2', async () => {
  const huge = await plan('--model', 'baseline', 'model.hiddenSize=65536', 'model.numHiddenLayers=300');
  expect(huge.code).toBe(1);
  expect(huge.stdout).toMatch(/more than is free\. Lower it:\n {2}a smaller model/);
  const wrong = await plan('--model', '9.9');
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toMatch(/no variant 9\.9; it has Baseline, Method 3\.2/);
});
