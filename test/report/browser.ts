/** A headless Chromium of this machine, where there is one. */
import fs from 'node:fs';

import { chromium, type Browser, type Page } from 'playwright-core';

const candidates = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const executable = candidates.find((file) => file !== undefined && fs.existsSync(file));

/** `test`, or `test.skip` with a line that says what is missing. */
export function testInBrowser(): jest.It {
  if (executable !== undefined) return test;
  console.warn(
    "There is no Chromium on this machine, so pages are not looked at. Install Debian's chromium, or set CHROMIUM.",
  );
  return test.skip;
}

/** What a page did that it should not have. */
export interface Watched {
  page: Page;
  problems: string[];
}

export class Chromium {
  #browser: Browser | undefined;

  /** @param place a file, or an address of this machine: nothing else may be asked for */
  async open(place: string, view: { width: number; colorScheme: 'light' | 'dark' }): Promise<Watched> {
    const url = place.startsWith('http:') ? place : `file://${place}`;
    const own = url.startsWith('http:') ? [new URL(url).origin, 'data:'] : ['file:', 'data:'];
    this.#browser ??= await chromium.launch({ executablePath: executable!, args: ['--no-sandbox'] });
    const page = await this.#browser.newPage({
      viewport: { width: view.width, height: 900 },
      colorScheme: view.colorScheme,
    });
    const problems: string[] = [];
    page.on('console', (message) => {
      // Said about our reading of canvases.
      if (!message.text().includes('willReadFrequently')) problems.push(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
    page.on('dialog', (dialog) => problems.push(`dialog: ${dialog.message()}`));
    page.on('request', (request) => {
      if (!own.some((start) => request.url().startsWith(start))) problems.push(`request: ${request.url()}`);
    });
    await page.goto(url);
    return { page, problems };
  }

  async close(): Promise<void> {
    await this.#browser?.close();
  }
}

/** How many pixels of each canvas something is drawn on. */
export const inkOf = (page: Page) =>
  page.evaluate<number[]>(`Array.from(document.querySelectorAll('canvas'), (canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let ink = 0;
    for (let at = 3; at < data.length; at += 4) if (data[at] !== 0) ink++;
    return ink;
  })`);

/** The width that the content takes, which is that of the window unless something sticks out. */
export const widthOf = (page: Page) => page.evaluate<number>('document.documentElement.scrollWidth');
