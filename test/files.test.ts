import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { makeFolder, readWhole, replaceFiles, replaceFolder, writeFileAtomically } from '../lib/files';

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

describe('files of a folder', () => {
  const put = (...names: string[]) =>
    replaceFiles(
      folder,
      async (temporary) => {
        for (const name of names) await fs.writeFile(path.join(temporary, name), `new ${name}`);
      },
      (name) => name.startsWith('old'),
    );
  const held = async () =>
    Object.fromEntries(
      await Promise.all(
        (await fs.readdir(folder)).map(async (name) => [name, await fs.readFile(path.join(folder, name), 'utf8')]),
      ),
    ) as Record<string, string>;

  test('are put in place of those that stood there; what is outdated goes, what is not stays', async () => {
    for (const name of ['a', 'old-b', 'old-c', 'mine']) await fs.writeFile(path.join(folder, name), name);
    await put('a', 'old-c', 'd');
    expect(await held()).toEqual({ a: 'new a', 'old-c': 'new old-c', d: 'new d', mine: 'mine' });
  });

  test('stay as they were where one cannot be written', async () => {
    await fs.writeFile(path.join(folder, 'a'), 'a');
    const failing = replaceFiles(folder, async (temporary) => {
      await fs.writeFile(path.join(temporary, 'a'), 'new');
      throw new Error(`no ${path.join(temporary, 'b')}`);
    });
    await expect(failing).rejects.toThrow(`no ${path.join(folder, 'b')}`);
    expect(await held()).toEqual({ a: 'a' });
  });

  test('do not take the place of a folder', async () => {
    await fs.mkdir(path.join(folder, 'b'));
    expect(await code(put('a', 'b'))).toBe('ERR_ARGUMENT');
    expect(await fs.readdir(folder)).toEqual(['b']);
  });
});

test('a refusal of the system is told with the name that was to be written', async () => {
  const refusal = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  const target = path.join(folder, 'target');
  await expect(replaceFolder(target, () => Promise.reject(refusal))).rejects.toMatchObject({
    code: 'ERR_STORAGE',
    message: `${target} cannot be written: ENOSPC: no space left on device, write`,
    cause: refusal,
  });
  expect(await fs.readdir(folder)).toEqual([]);
});

test('a file that is read whole is a file, and not beyond measure', async () => {
  const file = path.join(folder, 'file');
  await fs.writeFile(file, 'text');
  expect((await readWhole(file, 4)).toString()).toBe('text');
  await expect(readWhole(file, 3)).rejects.toThrow(/it has 4 bytes/);
  await expect(readWhole(folder, 100)).rejects.toThrow(/it is not a file/);
  expect(await code(readWhole(path.join(folder, 'gone'), 100))).toBe('ENOENT');
});
