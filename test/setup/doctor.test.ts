import fs from 'node:fs';
import path from 'node:path';

import { diagnose } from '../../lib/setup/doctor';
import { addonFile, writeRecord } from '../../lib/setup/record';
import { cleanEnvironment, fakeLibtorch, fakePythons, pythonWith, temporaryFolder } from './fakes';

const folder = temporaryFolder();
const packageRoot = () => path.join(folder(), 'package');
cleanEnvironment();

beforeEach(() => {
  process.env.TORCHWRIGHT_CACHE = path.join(folder(), 'cache');
  fakePythons(folder(), { python3: pythonWith(null) });
});

/** A package whose addon counts as built. */
async function built(): Promise<void> {
  const root = fakeLibtorch(path.join(folder(), 'libtorch'), '2.13.0');
  fs.mkdirSync(path.dirname(addonFile(packageRoot())), { recursive: true });
  fs.writeFileSync(addonFile(packageRoot()), '');
  fs.mkdirSync(path.join(packageRoot(), 'native'), { recursive: true });
  fs.writeFileSync(path.join(packageRoot(), 'CMakeLists.txt'), '');
  fs.symlinkSync(path.resolve('node_modules'), path.join(packageRoot(), 'node_modules'));
  await writeRecord(packageRoot(), {
    root,
    version: '2.13.0',
    cuda: false,
    how: 'the cache',
    sources: 'of another time',
  });
}

/** A probe that does this. */
function probe(code: string): string {
  const file = path.join(folder(), 'probe.js');
  fs.writeFileSync(file, code);
  return file;
}

const works = "console.log(JSON.stringify({ compiled: '2.13.0', loaded: '2.13.0', cudaDevices: 0 }));";
const check = (diagnosis: Awaited<ReturnType<typeof diagnose>>, name: string) =>
  diagnosis.checks.find((candidate) => candidate.name === name);

test('with nothing there it says what is missing and what to do', async () => {
  const diagnosis = await diagnose(packageRoot(), probe(works));
  expect(diagnosis.usable).toBe(false);
  expect(check(diagnosis, 'Node')).toMatchObject({ status: 'ok' });
  expect(check(diagnosis, 'CMake')).toMatchObject({
    status: 'warning',
    advice: expect.stringContaining('CMake'),
  });
  expect(check(diagnosis, 'C++ compiler')).toMatchObject({ status: 'warning' });
  expect(check(diagnosis, 'libtorch')).toMatchObject({
    status: 'failed',
    detail: 'No libtorch was found. What was tried:',
    advice: expect.stringContaining('pip install torch'),
  });
  expect(check(diagnosis, 'addon')).toMatchObject({
    status: 'failed',
    advice: expect.stringContaining('torchwright build'),
  });
  expect(check(diagnosis, 'device cpu')).toBeUndefined();
});

test('with all there it is usable; an old addon is a warning', async () => {
  await built();
  const diagnosis = await diagnose(packageRoot(), probe(works));
  expect(diagnosis.usable).toBe(true);
  expect(check(diagnosis, 'libtorch')).toMatchObject({
    status: 'ok',
    detail: expect.stringMatching(/2\.13\.0 \(CPU\)/),
  });
  expect(check(diagnosis, 'addon')).toMatchObject({
    status: 'warning',
    detail: expect.stringContaining('not up to date'),
  });
  expect(check(diagnosis, 'device cpu')).toMatchObject({ status: 'ok' });
});

test('a crash of the probe is reported, not suffered', async () => {
  await built();
  const diagnosis = await diagnose(packageRoot(), probe("console.error('about to fall'); process.abort();"));
  expect(diagnosis.usable).toBe(false);
  expect(check(diagnosis, 'device cpu')).toMatchObject({
    status: 'failed',
    detail: expect.stringMatching(/SIGABRT[^]*about to fall/),
  });
});

test('a probe that says nothing sensible is a failure', async () => {
  await built();
  const diagnosis = await diagnose(packageRoot(), probe("console.log('hello');"));
  expect(diagnosis.usable).toBe(false);
});

test('every CUDA device is tried by itself', async () => {
  await built();
  const diagnosis = await diagnose(
    packageRoot(),
    probe(`if (process.argv[2] === 'cuda:1') throw new Error('no kernel image');
      console.log(JSON.stringify({ compiled: '2.13.0', loaded: '2.13.0', cudaDevices: 2 }));`),
  );
  expect(diagnosis.usable).toBe(true);
  expect(check(diagnosis, 'device cuda:0')).toMatchObject({ status: 'ok' });
  expect(check(diagnosis, 'device cuda:1')).toMatchObject({
    status: 'failed',
    detail: expect.stringContaining('no kernel image'),
  });
});
