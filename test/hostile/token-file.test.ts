/** Token files that are damaged, or blocks that are not in them: refused with a DataError before the model sees an id. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import fc from 'fast-check';

import { ResidualLlama } from '../../lib/residual';
import { evaluateBlocks } from '../../lib/train';
import { temporaryFolder } from '../data/temporary';
import { outcome } from './damage';

const folder = temporaryFolder();
const file = path.join(folder, 'tokens.bin');
const refusal = { code: 'ERR_DATA' };
const vocabSize = 7;
const model = ResidualLlama.create({ vocabSize, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2 });
afterAll(() => model.dispose());

const evaluate = (place: string, offsets: number[], dtype: 'uint16' | 'uint32' = 'uint16') =>
  outcome(async () => {
    const blocks = { file: place, dtype, blockSize: 4, offsets: Float64Array.from(offsets), tokens: 8 };
    const steps = evaluateBlocks(model, blocks, { batchSize: 2, precision: 'float32' });
    for (let step = await steps.next(); ; step = await steps.next()) if (step.done) return step.value.eval_loss! > 0;
  });

test('a sound one is read', async () => {
  fs.writeFileSync(file, Uint16Array.from([1, 2, 3, 4, 5, 6, 0, 1]));
  expect(await evaluate(file, [0, 4])).toEqual({ value: true });
});

test('whatever bytes and blocks there are, it is evaluated or refused', async () => {
  const offset = fc.oneof(fc.nat(12), fc.constantFrom(-1, 0.5, NaN, Infinity, 2 ** 53, 2 ** 40));
  const bytes = fc.array(fc.oneof(fc.nat(vocabSize), fc.constant(0)), { maxLength: 24 });
  await fc.assert(
    fc.asyncProperty(bytes, fc.array(offset, { maxLength: 3 }), fc.boolean(), async (content, offsets, isWide) => {
      const place = path.join(folder, 'any.bin');
      fs.writeFileSync(place, Uint8Array.from(content));
      const result = await evaluate(place, offsets, isWide ? 'uint32' : 'uint16');
      if ('code' in result) expect(result).toEqual(refusal);
    }),
    { numRuns: 150 },
  );
});

test('pipes, folders and what is not there are refused, none is waited for', async () => {
  const pipe = path.join(folder, 'pipe.bin');
  execFileSync('mkfifo', [pipe]);
  for (const place of [pipe, folder, path.join(folder, 'gone'), '/dev/zero', `${file}\0`]) {
    expect(await evaluate(place, [0])).toEqual(refusal);
  }
});

test('a file that becomes shorter while it is read is refused, and the process goes on', async () => {
  const place = path.join(folder, 'shorter.bin');
  const count = 1 << 20;
  fs.writeFileSync(place, new Uint16Array(count));
  const result = await outcome(async () => {
    const offsets = Float64Array.from({ length: count / 4 }, (_, index) => 4 * index);
    const blocks = { file: place, dtype: 'uint16' as const, blockSize: 4, offsets, tokens: count };
    const steps = evaluateBlocks(model, blocks, { batchSize: 64, precision: 'float32' });
    await steps.next();
    fs.truncateSync(place, 0);
    for (let step = await steps.next(); ; step = await steps.next()) if (step.done) return;
  });
  expect(result).toEqual(refusal);
});
