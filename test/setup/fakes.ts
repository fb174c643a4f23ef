import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import type { Progress } from '../../lib/setup/progress';
import { makeZip } from './zip';

/** Takes what set-up says as text. */
export function recordingProgress(): Progress & { lines: string[] } {
  const lines: string[] = [];
  return { lines, line: (text) => void lines.push(text), bar: () => ({ update: () => {}, stop: () => {} }) };
}

/** A new folder for each test, removed after it. */
export function temporaryFolder(): () => string {
  let folder = '';
  beforeEach(() => {
    folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'torchwright-setup-')));
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));
  return () => folder;
}

/** Each test starts with an environment in which nothing says where libtorch is; it may change it freely. */
export function cleanEnvironment(): void {
  let before: NodeJS.ProcessEnv;
  beforeEach(() => {
    before = { ...process.env };
    for (const name of Object.keys(process.env)) {
      if (/^TORCHWRIGHT_|^LIBTORCH$|_proxy$|^XDG_CACHE_HOME$/i.test(name)) delete process.env[name];
    }
  });
  afterEach(() => {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
  });
}

const versionHeader = (version: string) => {
  const [major, minor, patch] = version.split('.');
  return `#define TORCH_VERSION_MAJOR ${major}\n#define TORCH_VERSION_MINOR ${minor}\n#define TORCH_VERSION_PATCH ${patch}\n`;
};

/** The files that make a folder a libtorch of this version. */
export function libtorchFiles(version: string, { cuda = false } = {}): Record<string, string> {
  const extension = process.platform === 'darwin' ? 'dylib' : 'so';
  return {
    [`lib/libtorch_cpu.${extension}`]: 'code',
    [`lib/libc10.${extension}`]: 'code',
    ...(cuda ? { [`lib/libtorch_cuda.${extension}`]: 'code' } : {}),
    'include/ATen/ATen.h': '#pragma once\n',
    'include/torch/headeronly/version.h': versionHeader(version),
  };
}

/** Puts a libtorch made of such files into a folder. */
export function fakeLibtorch(folder: string, version: string, options: { cuda?: boolean } = {}): string {
  for (const [name, text] of Object.entries(libtorchFiles(version, options))) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), text);
  }
  return folder;
}

/** The same as an archive (`libtorch/...`) or a wheel (`torch/...` among other things). */
export function libtorchZip(version: string, prefix: 'libtorch' | 'torch' = 'libtorch'): Buffer {
  const files = Object.entries(libtorchFiles(version)).map(([name, data]) => ({ name: `${prefix}/${name}`, data }));
  return makeZip([
    ...files,
    { name: `${prefix}/share/readme.txt`, data: 'not needed' },
    { name: `${prefix}/lib/`, mode: 0o40755 },
  ]);
}

/** Makes `python3` and `python` those of `folder/bin`, where there are none but the scripts given. */
export function fakePythons(folder: string, scripts: Partial<Record<'python3' | 'python', string>>): void {
  const bin = path.join(folder, 'bin');
  fs.mkdirSync(bin, { recursive: true });
  for (const [name, script] of Object.entries(scripts)) {
    fs.writeFileSync(path.join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  process.env.PATH = bin;
}

/** The script of a Python that has its torch at `place`, or none. */
export const pythonWith = (place: string | null, version = '3.11.7') =>
  `echo '${JSON.stringify({ executable: `/python-${version}`, version, torch: place })}'`;
