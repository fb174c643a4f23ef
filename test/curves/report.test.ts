/** Reports of trainings of which only their `metrics.jsonl` is known. */
import fs from 'node:fs';
import path from 'node:path';

import { nn, torch, Trainer, type Tensor } from '../../lib';
import { reportFolders } from '../../lib/curves';
import { reportRuns } from '../../lib/study';
import { Chromium, inkOf, testInBrowser, widthOf } from '../report/browser';
import { hostile } from '../report/sample-report';
import { temporaryFolder } from '../train/tokens';
import { append, endRecord, startRecord, warningRecord, writeRun } from './sample-run';

jest.setTimeout(60_000);
const inBrowser = testInBrowser();
const browser = new Chromium();
let folder: string;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(async () => {
  await browser.close();
  fs.rmSync(folder, { recursive: true });
});
const inFolder = (...names: string[]) => path.join(folder, ...names);
const read = (file: string) => fs.readFileSync(file, 'utf8');

test('a module trained with `out` leaves its page: curves, speed, its own metrics', async () => {
  torch.manualSeed(1);
  const net = new nn.Linear(4, 2);
  const batches = Array.from({ length: 5 }, () => ({ x: torch.randn([8, 4]), y: torch.randn([8, 2]) }));
  const loss = (model: nn.Linear, { x, y }: (typeof batches)[number]) => {
    const error = model.forward(x).sub(y);
    return { loss: error.pow(2).mean(), targets: 8, metrics: { largest: error.abs().max() } };
  };
  const out = inFolder('module');
  const data = { train: batches, validation: batches.slice(0, 2) };
  await new Trainer(net, { data, loss, out, epochs: 2, learningRate: 1e-2, title: 'A small net' }).run();
  const html = read(path.join(out, 'report.html'));
  expect(html).toMatch(/<h1>A small net<\/h1><p class="summary">10 parameters, 10 steps, on cpu/);
  for (const title of ['Training loss', 'Evaluation loss', 'Training largest', 'Gradient norm', 'Speed and memory'])
    expect(html).toContain(title);
  expect(html.replaceAll(/<script.*?<\/script>/gs, '')).not.toMatch(/NaN|undefined|Infinity/);
  expect(fs.readdirSync(path.join(out, 'figures'))).toContain('training-largest.svg');
  // Built anew from the file, it is the same.
  await reportRuns([out], inFolder('anew', 'report.html'));
  expect(read(inFolder('anew', 'report.html'))).toBe(html);
});

test('a training that fails has a page that says so', async () => {
  const out = inFolder('failing');
  const net = new nn.Linear(2, 1);
  const data = { train: [torch.ones([1, 2]), torch.ones([1, 2])] };
  let calls = 0;
  const loss = (model: nn.Linear, batch: Tensor) => {
    if (++calls === 2) throw new RangeError('the second batch is bad');
    return model.forward(batch).mean();
  };
  await expect(new Trainer(net, { data, loss, out, epochs: 1 }).run()).rejects.toThrow('the second batch is bad');
  expect(read(path.join(out, 'report.html'))).toMatch(/failed after step 1: .*the second batch is bad/);
});

inBrowser('several runs on one page, hostile texts as they are', async () => {
  writeRun(inFolder('runs', 'a'), 1000, { title: 'Baseline' });
  append(inFolder('runs', 'a'), endRecord(1000));
  writeRun(inFolder('runs', 'b'), 600, { title: hostile, text: hostile, worse: 0.4 });
  append(inFolder('runs', 'b'), warningRecord(600, hostile));
  await reportRuns([inFolder('runs')]);
  const { page, problems } = await browser.open(inFolder('runs', 'report.html'), { width: 390, colorScheme: 'dark' });
  expect(await page.locator('h1').textContent()).toBe('2 trainings');
  expect(await page.locator('.results tbody th').allTextContents()).toEqual(['Baseline', hostile]);
  expect(await page.locator('.notes li').allTextContents()).toEqual([
    `${hostile} has not ended: this is its course up to step 600.`,
    `${hostile}, step 600: ${hostile}`,
  ]);
  expect(await page.locator('.samples dd').allTextContents()).toContain(` ${hostile}, ${hostile}`);
  expect(await page.locator('figure h3').allTextContents()).toEqual([
    'Evaluation loss',
    'Training loss, means of 10 steps',
    'Evaluation accuracy',
    'Gradient norm before clipping, means of 10 steps',
    'Learning rate',
    'Tokens per second',
  ]);
  for (const pixels of await inkOf(page)) expect(pixels).toBeGreaterThan(1000);
  expect(await widthOf(page)).toBe(390);
  expect(problems).toEqual([]);
  await page.close();
});

test('what cannot be reported is refused', async () => {
  fs.mkdirSync(inFolder('empty'));
  await expect(reportFolders([inFolder('empty')], inFolder('no.html'))).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  fs.mkdirSync(inFolder('damaged'));
  append(inFolder('damaged'), startRecord());
  fs.appendFileSync(inFolder('damaged', 'metrics.jsonl'), '{"type":"step"}\n');
  await expect(reportRuns([inFolder('damaged')])).rejects.toMatchObject({
    code: 'ERR_DATA',
    message: expect.stringMatching(/damaged\/metrics\.jsonl:2 is not a record/),
  });
});
