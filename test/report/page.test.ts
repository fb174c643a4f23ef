/** The report as a reader sees it, in a browser. */
import fs from 'node:fs';
import path from 'node:path';

import { writeReport } from '../../lib/report';
import { temporaryFolder } from '../train/tokens';
import { Chromium, inkOf, testInBrowser, widthOf } from './browser';
import { hostile, sampleReport } from './sample-report';

jest.setTimeout(90_000);
const inBrowser = testInBrowser();
const browser = new Chromium();
let folder: string;
let file: string;

beforeAll(async () => {
  folder = temporaryFolder();
  file = path.join(folder, 'report.html');
  await writeReport(file, sampleReport());
});
afterAll(async () => {
  await browser.close();
  fs.rmSync(folder, { recursive: true });
});

const views = [
  { width: 1200, colorScheme: 'light' },
  { width: 1200, colorScheme: 'dark' },
  { width: 390, colorScheme: 'light' },
  { width: 390, colorScheme: 'dark' },
] as const;

inBrowser.each(views)('without errors, requests or overflow, curves drawn: %j', async (view) => {
  const { page, problems } = await browser.open(file, view);
  const ink = await inkOf(page);
  expect(ink).toHaveLength(2);
  for (const pixels of ink) expect(pixels).toBeGreaterThan(1000);
  expect(await widthOf(page)).toBeLessThanOrEqual(view.width);
  const background = await page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor');
  expect(background).toBe(view.colorScheme === 'dark' ? 'rgb(20, 24, 30)' : 'rgb(255, 255, 255)');
  expect(problems).toEqual([]);
  await page.close();
});

inBrowser('texts are shown as they are, and nothing in them runs', async () => {
  const { page, problems } = await browser.open(file, views[0]);
  expect(await page.title()).toBe(`Study ${hostile}`);
  expect(await page.locator('h1').textContent()).toBe(`Study ${hostile}`);
  expect(await page.locator('img').count()).toBe(0);
  expect(await page.locator('.results tbody th').allTextContents()).toContain(hostile);
  expect(problems).toEqual([]);
  await page.close();
});

inBrowser('heat map cells have colours by their numbers', async () => {
  const { page } = await browser.open(file, views[0]);
  const cells = page.locator('.heat-maps .cell');
  expect(await cells.count()).toBe(5);
  const strength = async (index: number) =>
    Number(/fill-opacity:([\d.]+)/.exec((await cells.nth(index).getAttribute('style'))!)![1]);
  expect(await strength(1)).toBeGreaterThan(await strength(0)); // 0.75 and 0.25
  await page.close();
});

inBrowser('a curve is switched off by its name in the legend, its band with it', async () => {
  const { page, problems } = await browser.open(file, views[0]);
  const [before] = await inkOf(page);
  await page.locator('.u-legend').first().getByText('Method 3.2', { exact: true }).click();
  await page.waitForFunction("document.querySelector('.u-legend .u-series.u-off') !== null");
  const [after] = await inkOf(page);
  expect(after).toBeLessThan(before!);
  expect(await page.locator('.u-legend').first().locator('.u-series.u-off').count()).toBe(3);
  expect(problems).toEqual([]);
  await page.close();
});

inBrowser('without scripts the curves are there as SVG', async () => {
  const html = fs.readFileSync(file, 'utf8').replaceAll(/<script.*?<\/script>/gs, '');
  const plain = path.join(folder, 'plain.html');
  fs.writeFileSync(plain, html);
  const { page, problems } = await browser.open(plain, views[0]);
  expect(await page.locator('[data-curves] svg .curve').count()).toBe(8);
  expect(problems).toEqual([]);
  await page.close();
});
