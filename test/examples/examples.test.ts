import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

import { writeCorpus } from '../study/small';
import { temporaryFolder } from '../train/tokens';

const root = path.resolve(__dirname, '../..');
let folder: string;

beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

test('compare-two-variants.mjs runs against the built package', async () => {
  const env = { ...process.env, TORCHWRIGHT_CACHE: path.join(folder, 'cache'), NODE_OPTIONS: '' };
  const args = [path.join(root, 'examples/compare-two-variants.mjs'), writeCorpus(folder), '20'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  expect(stdout).toMatch(/^baseline: step 20, loss \d\.\d{4}, accuracy 0\.\d{4}\nbaseline: "The .*"$/m);
  expect(stdout).toMatch(/^3\.2: step 20, loss \d\.\d{4}, accuracy 0\.\d{4}\n3\.2: "The .*"$/m);
}, 60_000);
