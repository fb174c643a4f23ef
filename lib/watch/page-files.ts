/** The page's files, by their addresses: these and no others. */
import fs from 'node:fs';
import path from 'node:path';

import { baseStyle, plotScripts } from '../report';

interface PageFile {
  type: string;
  text: string;
}

const read = (name: string) => fs.readFileSync(path.join(__dirname, 'page', name), 'utf8');
const script = 'text/javascript; charset=utf-8';

const modules = ['app', 'charts', 'elements', 'events', 'format', 'plot', 'runs', 'samples', 'settings'];
const sources = new Map<string, () => PageFile>([
  ['/', () => ({ type: 'text/html; charset=utf-8', text: read('index.html') })],
  [
    '/style.css',
    () => ({ type: 'text/css; charset=utf-8', text: [baseStyle(), read('style.css'), read('runs.css')].join('\n') }),
  ],
  ['/plots.js', () => ({ type: script, text: plotScripts().join('\n') })],
  ...modules.map((name) => [`/${name}.mjs`, () => ({ type: script, text: read(`${name}.mjs`) })] as const),
]);
const loaded = new Map<string, PageFile>();

export function pageFile(address: string): PageFile | undefined {
  const known = loaded.get(address);
  if (known !== undefined) return known;
  const file = sources.get(address)?.();
  if (file !== undefined) loaded.set(address, file);
  return file;
}
