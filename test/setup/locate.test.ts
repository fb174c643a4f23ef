import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { cacheFolder } from '../../lib/setup/cache';
import { locateLibtorch } from '../../lib/setup/locate';
import { writeRecord } from '../../lib/setup/record';
import { cleanEnvironment, fakeLibtorch, fakePythons, pythonWith, recordingProgress, temporaryFolder } from './fakes';

const folder = temporaryFolder();
const inFolder = (...parts: string[]) => path.join(folder(), ...parts);
cleanEnvironment();

/** One libtorch at every place; each test takes away what it does not want. */
beforeEach(async () => {
  process.env.TORCHWRIGHT_LIBTORCH = fakeLibtorch(inFolder('a'), '2.11.0');
  process.env.LIBTORCH = fakeLibtorch(inFolder('b'), '2.12.0');
  const root = fakeLibtorch(inFolder('c'), '2.12.1', { cuda: true });
  await writeRecord(inFolder('package'), { root, version: '2.12.1', cuda: true, how: 'the cache', sources: '' });
  fakeLibtorch(inFolder('site-packages/torch'), '2.13.1');
  fakePythons(folder(), { python3: pythonWith(inFolder('site-packages/torch')), python: pythonWith(null) });
  process.env.TORCHWRIGHT_CACHE = inFolder('cache');
  fakeLibtorch(inFolder('cache/libtorch-2.13.0-cpu'), '2.13.0');
  fakeLibtorch(inFolder('cache/libtorch-2.14.0-cpu'), '2.14.0');
});

const locate = () => locateLibtorch({ packageRoot: inFolder('package'), fetch: false, progress: recordingProgress() });

test('the search order: variables, last build, Python, cache with the pinned version first', async () => {
  expect(await locate()).toMatchObject({
    root: inFolder('a'),
    version: '2.11.0',
    how: 'named by TORCHWRIGHT_LIBTORCH',
  });
  delete process.env.TORCHWRIGHT_LIBTORCH;
  expect(await locate()).toMatchObject({ root: inFolder('b'), version: '2.12.0', how: 'named by LIBTORCH' });
  delete process.env.LIBTORCH;
  expect(await locate()).toMatchObject({ root: inFolder('c'), version: '2.12.1', cuda: true });
  fs.rmSync(inFolder('package'), { recursive: true });
  expect(await locate()).toMatchObject({ root: inFolder('site-packages/torch'), version: '2.13.1' });
  fakePythons(folder(), { python3: pythonWith(null) });
  expect(await locate()).toMatchObject({ root: inFolder('cache/libtorch-2.13.0-cpu'), how: 'the cache' });
  fs.rmSync(inFolder('cache/libtorch-2.13.0-cpu'), { recursive: true });
  expect(await locate()).toMatchObject({ version: '2.14.0' });
});

test('python is asked when python3 has none', async () => {
  delete process.env.TORCHWRIGHT_LIBTORCH;
  delete process.env.LIBTORCH;
  fs.rmSync(inFolder('package'), { recursive: true });
  const torch = inFolder('site-packages/torch');
  fakePythons(folder(), { python3: 'exit 1', python: pythonWith(torch, '3.12.0') });
  expect(await locate()).toMatchObject({ root: torch, how: 'the torch of python (Python 3.12.0)' });
});

test('a folder around libtorch will do', async () => {
  fakeLibtorch(inFolder('unpacked/libtorch'), '2.13.0');
  process.env.TORCHWRIGHT_LIBTORCH = inFolder('unpacked');
  expect(await locate()).toMatchObject({ root: inFolder('unpacked/libtorch') });
});

test.each([
  ['does not exist', (place: string) => fs.rmSync(place, { recursive: true }), 'no such folder'],
  ['has no libraries', (place: string) => fs.rmSync(path.join(place, 'lib'), { recursive: true }), 'libtorch_cpu'],
  ['has no headers', (place: string) => fs.rmSync(path.join(place, 'include/ATen'), { recursive: true }), 'ATen.h'],
  ['names no version', (place: string) => fs.rmSync(path.join(place, 'include/torch'), { recursive: true }), 'version'],
])('a named folder that %s is refused, not passed over', async (_case, damage, words) => {
  damage(inFolder('a'));
  const failure = locate();
  await expect(failure).rejects.toMatchObject({ code: 'ERR_LOAD', message: expect.stringContaining(words) });
  await expect(failure).rejects.toThrow('TORCHWRIGHT_LIBTORCH');
});

test.each(['2.10.2', '2.15.0', '3.0.0', '1.13.1'])('version %s is refused unless the user insists', async (version) => {
  fakeLibtorch(inFolder('a'), version);
  await expect(locate()).rejects.toMatchObject({
    code: 'ERR_VERSION',
    message: expect.stringContaining('2.11 to 2.14'),
  });
  process.env.TORCHWRIGHT_SKIP_VERSION_CHECK = '1';
  expect(await locate()).toMatchObject({ version });
});

test("a Python's torch of another version is passed over, and the diagnosis says so", async () => {
  delete process.env.TORCHWRIGHT_LIBTORCH;
  delete process.env.LIBTORCH;
  fs.rmSync(inFolder('package'), { recursive: true });
  fakeLibtorch(inFolder('site-packages/torch'), '2.4.0');
  expect(await locate()).toMatchObject({ how: 'the cache' });
  fs.rmSync(inFolder('cache'), { recursive: true });
  await expect(locate()).rejects.toThrow('libtorch 2.4.0');
});

test('when there is none, one diagnosis says all that was tried and what to do', async () => {
  delete process.env.TORCHWRIGHT_LIBTORCH;
  delete process.env.LIBTORCH;
  fs.rmSync(inFolder('c'), { recursive: true });
  fs.rmSync(inFolder('cache'), { recursive: true });
  fakePythons(inFolder('elsewhere'), { python3: pythonWith(null) });
  const message = await locate().then(
    () => '',
    (error: Error) => error.message,
  );
  const inOrder = [
    'No libtorch was found',
    'TORCHWRIGHT_LIBTORCH and LIBTORCH: not set',
    `${inFolder('c')} is not a libtorch: there is no such folder`,
    'python3: Python 3.11.7 has no torch',
    'python: not found',
    `the cache ${inFolder('cache')}: holds none`,
    'fetching',
    'pip install torch',
    'TORCHWRIGHT_LIBTORCH to its folder',
    'TORCHWRIGHT_LIBTORCH_URL',
  ].map((words) => message.indexOf(words));
  expect(inOrder).not.toContain(-1);
  expect(inOrder).toEqual([...inOrder].sort((a, b) => a - b));
});

test('without a named cache it is in the XDG cache folder, else in the home', () => {
  delete process.env.TORCHWRIGHT_CACHE;
  process.env.XDG_CACHE_HOME = '/somewhere';
  expect(cacheFolder()).toBe('/somewhere/torchwright');
  process.env.XDG_CACHE_HOME = 'relative';
  expect(cacheFolder()).toBe(path.join(os.homedir(), '.cache/torchwright'));
});
