import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { fakeLibtorch } from './fakes';

/**
 * setup.mjs in a small checkout of its own: the true script, TypeScript and CMake, with lib/ cut down to what set-up itself needs
 * and a native part of one file.
 */
const repository = path.resolve(__dirname, '../..');
let checkout: string;
const at = (...parts: string[]) => path.join(checkout, ...parts);

const cmakeLists = `cmake_minimum_required(VERSION 3.18)
project(torchwright LANGUAGES CXX)
set(CMAKE_CXX_STANDARD 20)
add_library(torchwright MODULE native/addon.cc)
set_target_properties(torchwright PROPERTIES PREFIX "" SUFFIX ".node" LIBRARY_OUTPUT_DIRECTORY "\${CMAKE_BINARY_DIR}/Release")
target_include_directories(torchwright PRIVATE "\${TORCH_ROOT}/include")
`;

const schemaGenerator = `import fs from 'node:fs';
fs.mkdirSync('dist/schemas', { recursive: true });
fs.writeFileSync('dist/schemas/study.json', '{}');
`;

beforeAll(() => {
  checkout = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'torchwright-checkout-')));
  const copied = ['setup.mjs', 'package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];
  for (const name of [...copied, 'lib/arguments.ts', 'lib/errors.ts', 'lib/files.ts', 'lib/zip.ts', 'lib/setup']) {
    fs.cpSync(path.join(repository, name), at(name), { recursive: true });
  }
  fs.cpSync(path.join(repository, 'scripts/register.cjs'), at('scripts/register.cjs'));
  fs.writeFileSync(at('scripts/generate-schemas.ts'), schemaGenerator);
  fs.mkdirSync(at('lib/study'));
  fs.writeFileSync(at('lib/study/demo.yaml'), 'epochs: 1\n');
  fs.mkdirSync(at('native'));
  fs.writeFileSync(at('native/addon.cc'), '#include <ATen/ATen.h>\nint answer() { return 42; }\n');
  fs.writeFileSync(at('CMakeLists.txt'), cmakeLists);
  fs.symlinkSync(path.join(repository, 'node_modules'), at('node_modules'));
  fakeLibtorch(at('libtorch'), '2.13.0');
});
afterAll(() => fs.rmSync(checkout, { recursive: true }));

function setup(env: NodeJS.ProcessEnv = {}): Promise<{ status: number | null; said: string; seconds: number }> {
  const started = Date.now();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['setup.mjs'], {
      cwd: checkout,
      env: { ...process.env, TORCHWRIGHT_LIBTORCH: at('libtorch'), ...env },
    });
    let said = '';
    child.stdout.on('data', (chunk) => (said += String(chunk)));
    child.stderr.on('data', (chunk) => (said += String(chunk)));
    child.on('close', (status) => resolve({ status, said, seconds: (Date.now() - started) / 1000 }));
  });
}

const addon = () => fs.statSync(at('build/Release/torchwright.node')).mtimeMs;

// One story: each test begins with what the one before has left.
jest.setTimeout(120_000);

test('the first run builds TypeScript and the addon; two at once do not get in each other’s way', async () => {
  const runs = await Promise.all([setup(), setup()]);
  for (const { status } of runs) expect(status).toBe(0);
  const said = runs.map((run) => run.said).join('');
  expect(said.match(/Compiling TypeScript/g)).toHaveLength(1);
  expect(said.match(/Building the native addon/g)).toHaveLength(1);
  expect(said).toContain('Waiting for another set-up');
  expect(fs.existsSync(at('dist/setup/locate.js'))).toBe(true);
  expect(fs.readFileSync(at('dist/study/demo.yaml'), 'utf8')).toBe('epochs: 1\n');
  expect(fs.existsSync(at('dist/schemas/study.json'))).toBe(true);
  expect(addon()).toBeGreaterThan(0);
  expect(fs.existsSync(at('.setup.lock'))).toBe(false);
});

test('the second run does nothing, at once', async () => {
  const before = addon();
  const { status, said, seconds } = await setup({ TORCHWRIGHT_LIBTORCH: '' });
  expect({ status, said }).toEqual({ status: 0, said: '' });
  expect(seconds).toBeLessThan(2);
  expect(addon()).toBe(before);
});

test('a change in native/ is noticed and rebuilt', async () => {
  const before = addon();
  fs.appendFileSync(at('native/addon.cc'), 'int more() { return 43; }\n');
  const { status, said } = await setup();
  expect(status).toBe(0);
  expect(said).toContain('Building the native addon');
  expect(said).not.toContain('TypeScript');
  expect(addon()).toBeGreaterThan(before);
});

test('a change in lib/ is noticed and rebuilt, and what is gone from lib/ goes from dist/', async () => {
  fs.writeFileSync(at('lib/study/extra.ts'), 'export const extra = 1;\n');
  expect((await setup()).said).toContain('Compiling TypeScript');
  expect(fs.existsSync(at('dist/study/extra.js'))).toBe(true);
  fs.rmSync(at('lib/study/extra.ts'));
  expect((await setup()).said).toContain('Compiling TypeScript');
  expect(fs.existsSync(at('dist/study/extra.js'))).toBe(false);
});

test('what is missing from dist/ is made again', async () => {
  fs.rmSync(at('dist/setup/locate.js'));
  expect((await setup()).status).toBe(0);
  expect(fs.existsSync(at('dist/setup/locate.js'))).toBe(true);
});

test('another libtorch is noticed and built for', async () => {
  fakeLibtorch(at('other'), '2.14.0');
  const { status, said } = await setup({ TORCHWRIGHT_LIBTORCH: at('other') });
  expect(status).toBe(0);
  expect(said).toContain('libtorch 2.14.0');
  expect(JSON.parse(fs.readFileSync(at('build/libtorch.json'), 'utf8'))).toMatchObject({
    root: at('other'),
    version: '2.14.0',
  });
});

test('an error in TypeScript fails it with the compiler’s words, every time', async () => {
  const bad = at('lib/study/bad.ts');
  fs.writeFileSync(bad, 'export const bad: number = "text";\n');
  for (let run = 0; run < 2; run++) {
    const { status, said } = await setup();
    expect(status).toBe(1);
    expect(said).toMatch(/lib\/study\/bad\.ts\(1,14\): error TS2322[^]*Set-up failed/);
  }
  fs.rmSync(bad);
});

test('an error in C++ fails it with the compiler’s words', async () => {
  fs.appendFileSync(at('native/addon.cc'), 'this is no C++\n');
  const { status, said } = await setup();
  expect(status).toBe(1);
  expect(said).toMatch(/native\/addon\.cc:\d+:\d+: error/);
});

test('a libtorch that is not there fails it with the reason', async () => {
  const { status, said } = await setup({ TORCHWRIGHT_LIBTORCH: at('nowhere') });
  expect(status).toBe(1);
  expect(said).toContain(`TORCHWRIGHT_LIBTORCH: ${at('nowhere')} is not a libtorch: there is no such folder.`);
});
