/** What NumPy, PyTorch and safetensors wrote into test/fixtures/files, and how the tensors read from there must look. */
import fs from 'node:fs';
import path from 'node:path';

import type { Tensor } from '../../../lib/tensor';

export interface Expected {
  dtype: string;
  shape: number[];
  values: unknown;
}

const folder = path.resolve(__dirname, '../../fixtures/files');
export const goldenFile = (name: string) => path.join(folder, name);
export const expectedFiles = JSON.parse(fs.readFileSync(goldenFile('expected.json'), 'utf8')) as Record<
  'npy' | 'npz' | 'pt' | 'safetensors',
  Record<string, Expected>
>;

/** Whole numbers as the fixtures write them: texts beyond 2^53. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'bigint') return value;
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
}

export const described = (tensor: Tensor): Expected => ({
  dtype: tensor.dtype,
  shape: tensor.shape,
  values: plain(tensor.toArray()),
});

export const refused = (message: RegExp): Error =>
  expect.objectContaining({ code: 'ERR_CHECKPOINT', message: expect.stringMatching(message) }) as Error;
