/** The live page as its readers see it, in a browser. */
import fs from 'node:fs';
import path from 'node:path';

import type { Page } from 'playwright-core';

import { watchRuns, type WatchServer } from '../../lib/watch';
import { Chromium, inkOf, testInBrowser, widthOf } from '../report/browser';
import { hostile } from '../report/sample-report';
import { temporaryFolder } from '../train/tokens';
import {
  append,
  endRecord,
  startRecord,
  stepsBetween,
  warningRecord,
  writeRun,
  type Imagined,
} from '../curves/sample-run';

jest.setTimeout(90_000);
const inBrowser = testInBrowser();
const browser = new Chromium();
let folder: string;
let server: WatchServer;

const second: Imagined = { title: 'Method 3.2', worse: -0.3, text: 'a sea' };
beforeAll(async () => {
  folder = temporaryFolder();
  writeRun(path.join(folder, 'baseline'), 1000, { title: 'Baseline' });
  append(path.join(folder, 'baseline'), endRecord(1000));
  writeRun(path.join(folder, 'method-3.2'), 600, second);
  append(path.join(folder, 'method-3.2'), warningRecord(500, 'A shard was skipped.'));
  server = await watchRuns([folder], { port: 0 });
});
afterAll(async () => {
  await browser.close();
  await server?.close();
  fs.rmSync(folder, { recursive: true });
});

const inkOfLoss = async (page: Page) => (await inkOf(page))[0]!;
const until = async (page: Page, condition: () => Promise<boolean>) => {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (await condition()) return;
    await page.waitForTimeout(100);
  }
  throw new Error('what was waited for did not come');
};

const drawn = (page: Page) => until(page, async () => (await page.locator('figure canvas').count()) >= 6);

const views = [
  { width: 1300, colorScheme: 'light' },
  { width: 1300, colorScheme: 'dark' },
  { width: 390, colorScheme: 'light' },
] as const;

inBrowser.each(views)('curves appear, without errors, foreign requests or overflow: %j', async (view) => {
  const { page, problems } = await browser.open(server.url, view);
  await drawn(page);
  for (const pixels of await inkOf(page)) expect(pixels).toBeGreaterThan(1000);
  expect(await widthOf(page)).toBeLessThanOrEqual(view.width);
  expect(await page.locator('figure h3').allTextContents()).toEqual([
    'Lossbold: training, smoothed; dots: evaluation',
    'Learning rate',
    'Gradient normbefore clipping',
    'Tokens per second',
    'Step time',
    'Model FLOPs utilisation',
    'Memory of the process',
    'Evaluation: accuracy',
  ]);
  const background = await page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor');
  expect(background).toBe(view.colorScheme === 'dark' ? 'rgb(20, 24, 30)' : 'rgb(255, 255, 255)');
  expect(await page.locator('#status').textContent()).toBe('1 training');
  expect(await page.locator('.mark.warning').count()).toBe(1);
  expect(await page.locator('.mark.best').count()).toBe(2);
  expect(await page.locator('#events .warning .text').textContent()).toBe('A shard was skipped.');
  expect(await page.locator('#samples dd').allTextContents()).toContain(' a sea of 600 seas');
  expect(problems).toEqual([]);
  await page.close();
});

inBrowser('a run is switched off, shown alone, and all are shown again', async () => {
  const { page, problems } = await browser.open(server.url, views[0]);
  await drawn(page);
  await page.mouse.move(0, 0);
  const both = await inkOfLoss(page);
  await page.getByLabel('Method 3.2').uncheck();
  await until(page, async () => (await inkOfLoss(page)) < both);
  expect(await page.locator('.parts-legend:visible').allTextContents()).toEqual(['dataforwardbackwardoptimizer']);
  expect(await page.locator('#samples dt').allTextContents()).not.toContain('Method 3.2');
  const only = page.locator('tr[data-run="2"] .only');
  await page.locator('tr[data-run="2"]').hover();
  await only.click();
  expect(await page.getByLabel('Baseline').isChecked()).toBe(false);
  expect(await page.getByLabel('Method 3.2').isChecked()).toBe(true);
  await only.click();
  await page.mouse.move(0, 0);
  await until(page, async () => (await inkOfLoss(page)) >= 0.98 * both);
  expect(problems).toEqual([]);
  await page.close();
});

inBrowser('log scale, time, colours and an enlarged part', async () => {
  const { page, problems } = await browser.open(server.url, views[0]);
  await drawn(page);
  await page.getByText('Log scale').click();
  await page.getByText('Time', { exact: true }).click();
  const over = page.locator('figure[data-chart="loss"] .u-over');
  const { x, y, width } = (await over.boundingBox())!;
  await page.mouse.move(x + width / 2, y + 50);
  const tip = page.locator('figure[data-chart="loss"] .tip');
  await until(page, async () => /^2\d(\.\d)? sBaseline2\.\d+/.test((await tip.textContent()) ?? ''));
  await page.mouse.down();
  await page.mouse.move(x + (width * 3) / 4, y + 60, { steps: 4 });
  await page.mouse.up();
  await page.getByText('Show all').waitFor();
  await page.mouse.move(x + 2, y + 50);
  await until(page, async () => /^2\d(\.\d)? s/.test((await tip.textContent()) ?? ''));
  await page.getByText('Show all').click();
  expect(await page.getByText('Show all').isVisible()).toBe(false);
  const colours = page.getByRole('button', { name: 'Colours' });
  await colours.click();
  await colours.click();
  expect(await page.evaluate('getComputedStyle(document.documentElement).backgroundColor')).toBe('rgb(20, 24, 30)');
  await page.reload();
  await drawn(page);
  expect(await colours.textContent()).toContain('dark');
  expect(await page.getByLabel('Log scale').isChecked()).toBe(true);
  expect(problems).toEqual([]);
  await page.close();
});

inBrowser('curves grow while a run writes, and a folder that comes later is shown', async () => {
  const place = path.join(folder, 'live');
  const live = await watchRuns([path.join(place, 'run')], { port: 0 });
  const { page, problems } = await browser.open(live.url, views[0]);
  expect(await page.locator('#waiting').textContent()).toContain('Nothing yet in');
  fs.mkdirSync(place);
  writeRun(path.join(place, 'run'), 50, { totalSteps: 400 });
  await drawn(page);
  expect(await page.locator('#waiting').isVisible()).toBe(false);
  const lastTick = () => page.locator('.progress span').first().textContent();
  expect(await lastTick()).toBe('50 / 400');
  const before = await page.evaluate("document.querySelector('progress').value");
  append(path.join(place, 'run'), ...stepsBetween(51, 320, { totalSteps: 400 }));
  await until(page, async () => (await lastTick()) === '320 / 400');
  expect(await page.evaluate("document.querySelector('progress').value")).toBeGreaterThan(before as number);
  await until(page, async () => (await page.locator('#events li').count()) === 3);
  await live.close();
  await until(page, async () => (await page.locator('#status').textContent()) === 'no connection');
  expect(problems.filter((problem) => !/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE|ERR_EMPTY/.test(problem))).toEqual([]);
  await page.close();
});

inBrowser('of many runs the first are drawn; options in which they differ have columns, and order them', async () => {
  const place = path.join(folder, 'sweep');
  for (let trial = 1; trial <= 14; trial++)
    writeRun(path.join(place, `trial-${trial}`), 30, { learningRate: ((trial * 7) % 15) / 1000, worse: trial / 10 });
  const live = await watchRuns([place], { port: 0 });
  const { page, problems } = await browser.open(live.url, views[0]);
  await drawn(page);
  expect(await page.locator('.runs tbody input').count()).toBe(14);
  expect(await page.locator('.runs tbody input:checked').count()).toBe(12);
  const rates = () => page.locator('td.option').allTextContents();
  expect((await rates()).slice(0, 3)).toEqual(['0.007', '0.014', '0.006']);
  const head = page.getByRole('button', { name: 'learningRate' });
  await head.click();
  expect((await rates()).slice(0, 3)).toEqual(['0.001', '0.002', '0.003']);
  await head.click();
  expect((await rates()).slice(0, 3)).toEqual(['0.014', '0.013', '0.012']);
  await head.click();
  expect((await rates()).slice(0, 3)).toEqual(['0.007', '0.014', '0.006']);
  expect(problems).toEqual([]);
  await page.close();
  await live.close();
});

inBrowser('texts are shown as they are, and nothing in them runs', async () => {
  const place = path.join(folder, 'hostile');
  writeRun(place, 200, { title: hostile, text: hostile });
  append(
    place,
    { ...startRecord({ title: hostile }), step: 200, resumedFrom: hostile } as never,
    warningRecord(200, hostile),
  );
  const live = await watchRuns([place], { port: 0 });
  const { page, problems } = await browser.open(live.url, views[0]);
  await drawn(page);
  expect(await page.locator('tr[data-run="1"] label').textContent()).toBe(hostile);
  expect(await page.locator('#events .warning .text').textContent()).toBe(hostile);
  expect((await page.locator('#samples dd').allTextContents()).join()).toContain(hostile);
  expect(await page.locator('img').count()).toBe(0);
  expect(await page.title()).toContain(hostile);
  expect(problems).toEqual([]);
  await page.close();
  await live.close();
});
