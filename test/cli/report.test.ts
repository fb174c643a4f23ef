import fs from 'node:fs';
import path from 'node:path';

import { formatConfig } from '../../lib/config';
import { smallStudy, writeCorpus } from '../study/small';
import { temporaryFolder } from '../train/tokens';
import { runCli, type CliResult } from './run-cli';

let folder: string;
let study: string;
const cli = (...args: string[]): Promise<CliResult> =>
  runCli(args, { cwd: folder, cacheDir: path.join(folder, 'cache') });

beforeAll(async () => {
  folder = temporaryFolder();
  study = path.join(folder, 'small.yaml');
  fs.writeFileSync(study, formatConfig(smallStudy(writeCorpus(folder), path.join(folder, 'runs'))));
  const compared = await cli('compare', study, 'train.maxSteps=4', '--seeds', '2', '--out', 'both');
  expect(compared.code === 0 ? '' : compared.stderr).toBe('');
  expect(compared.stdout).toMatch(/^Variant +Loss +SD +Range +Runs/m);
  expect(compared.stdout).toMatch(/Welch's 95 % t intervals/);
}, 60_000);
afterAll(() => fs.rmSync(folder, { recursive: true }));

test('a comparison and each of its runs can be reported anew', async () => {
  const page = path.join(folder, 'both/report.html');
  const before = fs.readFileSync(page, 'utf8');
  fs.rmSync(page);
  expect(await cli('report', 'both')).toMatchObject({ code: 0, stdout: 'both/report.html\n' });
  expect(fs.readFileSync(page, 'utf8')).toBe(before);
  expect(await cli('report', 'both/baseline-seed-5')).toMatchObject({
    code: 0,
    stdout: 'both/baseline-seed-5/report.html\n',
  });
});

test('several runs go into one page where it is asked for, with their figures beside it', async () => {
  const runs = ['both/baseline-seed-5', 'both/method-3.2-seed-6'];
  expect(await cli('report', ...runs, '--out', 'pages/two.html')).toMatchObject({ code: 0 });
  expect(fs.readFileSync(path.join(folder, 'pages/two.html'), 'utf8')).toContain('<h2>Results</h2>');
  expect(fs.readdirSync(path.join(folder, 'pages/figures'))).toContain('evaluation-loss.svg');
});

test.each([
  [['report'], /missing required argument 'runs'/],
  [['report', 'cache'], /cache holds no run/],
  [['report', 'nowhere'], /nowhere is not the folder of a run/],
])('%j is refused with what to do', async (args, message) => {
  const { code, stdout, stderr } = await cli(...args);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(message);
});
