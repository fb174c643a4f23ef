import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { makeFolder, writeFileAtomically } from '../lib/files';

let folder: string;
beforeEach(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'torchwright-files-'));
});
afterEach(() => fs.rm(folder, { recursive: true, force: true }));

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error: NodeJS.ErrnoException) => error.code,
  );

test('folders are made with those above them, and again without complaint', async () => {
  const deep = path.join(folder, 'a', 'b', 'c');
  await Promise.all([makeFolder(deep), makeFolder(deep)]);
  await makeFolder(deep);
  expect((await fs.stat(deep)).isDirectory()).toBe(true);
});

test('what is in the way is told', async () => {
  const file = path.join(folder, 'file');
  await writeFileAtomically(file, 'text');
  expect(await code(makeFolder(file))).toBe('ERR_ARGUMENT');
  expect(await code(makeFolder(path.join(file, 'below')))).toBe('ERR_ARGUMENT');
  expect(await code(writeFileAtomically(path.join(file, 'below'), 'text'))).toBe('ERR_ARGUMENT');
  expect(await code(writeFileAtomically(folder, 'text'))).toBe('ERR_ARGUMENT');
  expect(await fs.readFile(file, 'utf8')).toBe('text');
  expect(await fs.readdir(folder)).toEqual(['file']);
});

(process.platform === 'linux' ? test : test.skip)(
  'a system that takes no folders is an error, not a wait',
  async () => {
    expect(await code(makeFolder('/proc/torchwright/below'))).toBe('ERR_ARGUMENT');
  },
);
