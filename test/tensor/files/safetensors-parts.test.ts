/** Safetensors files opened for parts of them, those that safetensors itself wrote, and weights divided among several. */
import fs from 'node:fs';
import path from 'node:path';

import fc from 'fast-check';

import {
  inspectSafetensors,
  loadSafetensors,
  loadShardedSafetensors,
  openSafetensors,
  saveSafetensors,
  saveShardedSafetensors,
  scope,
  slice,
  torch,
} from '../../../lib/tensor';
import { temporaryFolder } from '../../data/temporary';
import { described, expectedFiles, goldenFile, refused } from './golden';

const folder = temporaryFolder();
const at = (name: string) => path.join(folder, name);
const golden = goldenFile('weights.safetensors');

test('what safetensors wrote is as in Python, and is written again as it was', async () => {
  await scope(async () => {
    const tensors = await loadSafetensors(golden);
    expect(Object.fromEntries([...tensors].map(([name, tensor]) => [name, described(tensor)]))).toEqual(
      expectedFiles.safetensors,
    );
    await saveSafetensors(at('again.safetensors'), tensors, { metadata: inspectSafetensors(golden).metadata });
    const again = await loadSafetensors(at('again.safetensors'));
    for (const [name, tensor] of tensors) expect(described(again.get(name)!)).toEqual(described(tensor));
  });
});

describe('a mapped file', () => {
  test('gives what a file that is read gives, and takes no write back', async () => {
    const bytes = fs.readFileSync(golden);
    using file = openSafetensors(golden, { mmap: true });
    await scope(async () => {
      for (const [name, expected] of Object.entries(expectedFiles.safetensors)) {
        expect(described(await file.tensor(name))).toEqual(expected);
      }
      const part = await file.slice('grid', [1, slice(0, 3, 2)]);
      expect(part.toArray()).toEqual([[12, 13, 14, 15], [20, 21, 22, 23]]); // prettier-ignore
      part.zero_();
      expect((await file.tensor('grid')).sum().item()).toBeLessThan(276);
    });
    expect(fs.readFileSync(golden)).toEqual(bytes);
  });

  test('takes no memory for what nobody uses', async () => {
    const rows = 1e7;
    const name = withHole(rows);
    const before = torch.memory.device('cpu').allocated;
    using file = openSafetensors(name, { mmap: true });
    await scope(async () => {
      const whole = await file.tensor('x');
      expect(whole.shape).toEqual([rows, 1024]);
      expect(whole.at(-1, slice(0, 3)).toArray()).toEqual([0, 0, 0]);
      expect(torch.memory.device('cpu').allocated - before).toBeLessThan(2 ** 20);
    });
  });

  test('may become shorter: what uses it then is an error, and nothing else is', async () => {
    const name = at('shorter.safetensors');
    await scope(async () => {
      await saveSafetensors(name, [['x', torch.ones([1 << 16])]]);
      using file = openSafetensors(name, { mmap: true });
      const tensor = await file.tensor('x');
      const other = torch.ones([2]);
      expect(tensor.sum().item()).toBe(1 << 16);
      fs.truncateSync(name, 4096);
      const lost = expect.objectContaining({
        code: 'ERR_CHECKPOINT',
        message: expect.stringMatching(/became shorter/),
      }) as Error;
      expect(() => tensor.sum()).toThrow(lost);
      expect(() => torch.cat([other, tensor])).toThrow(lost);
      expect(() => tensor.dataSync()).toThrow(lost);
      await expect(tensor.data()).rejects.toEqual(lost);
      await expect(saveSafetensors(at('copy.safetensors'), [['x', tensor]])).rejects.toEqual(lost);
      expect(other.sum().item()).toBe(2);
    });
    await scope(() => saveSafetensors(name, [['x', torch.ones([2])]]));
    using file = openSafetensors(name, { mmap: true });
    await scope(async () => expect((await file.tensor('x')).sum().item()).toBe(2));
  });

  test('is kept by its tensors, also when it is closed and removed', async () => {
    const name = at('removed.safetensors');
    await scope(async () => {
      await saveSafetensors(name, [['x', torch.ones([1 << 16])]]);
      const file = openSafetensors(name, { mmap: true });
      const tensor = await file.tensor('x');
      file.close();
      fs.rmSync(name);
      expect(tensor.sum().item()).toBe(1 << 16);
      await expect(file.tensor('x')).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    });
  });
});

/** A file of a matrix `[rows, 1024]` that takes no room on disk. */
function withHole(rows: number): string {
  const header = JSON.stringify({ x: { dtype: 'F32', shape: [rows, 1024], data_offsets: [0, rows * 4096] } });
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  fs.writeFileSync(at('hole.safetensors'), Buffer.concat([length, Buffer.from(header)]));
  fs.truncateSync(at('hole.safetensors'), 8 + header.length + rows * 4096);
  return at('hole.safetensors');
}

describe('an open file', () => {
  test('gives names, metadata and single tensors', async () => {
    using file = openSafetensors(golden);
    expect(new Set(file.names())).toEqual(new Set(Object.keys(expectedFiles.safetensors)));
    expect(file.metadata).toEqual({ made: 'by safetensors' });
    expect(file.tensors.get('grid')).toMatchObject({ dtype: 'float32', shape: [2, 3, 4] });
    await scope(async () => expect(described(await file.tensor('grid'))).toEqual(expectedFiles.safetensors.grid));
    await expect(file.tensor('none')).rejects.toEqual(refused(/no tensor none/));
    await expect(file.slice('grid', [2])).rejects.toMatchObject({ code: 'ERR_SHAPE' });
    await expect(file.slice('grid', [0, 0, 0, 0])).rejects.toMatchObject({ code: 'ERR_SHAPE' });
    await expect(file.slice('grid', ['0' as unknown as number])).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  });

  test('a part is what indexing gives, whatever the ranges', async () => {
    const shape = [5, 3, 4, 6];
    await scope(async () => {
      await saveSafetensors(at('part.safetensors'), [['x', torch.arange(5 * 3 * 4 * 6).view(shape)]]);
    });
    using file = openSafetensors(at('part.safetensors'));
    const range = fc.oneof(
      fc.integer({ min: -3, max: 2 }),
      fc
        .tuple(
          fc.integer({ min: -7, max: 7 }),
          fc.option(fc.integer({ min: -7, max: 7 })),
          fc.integer({ min: 1, max: 3 }),
        )
        .map(([start, stop, step]) => slice(start, stop, step)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(range, { maxLength: 4 }), async (ranges) => {
        await scope(async () => {
          const part = await file.slice('x', ranges);
          const wanted = (await file.tensor('x')).at(...ranges);
          expect([part.shape, part.toArray()]).toEqual([wanted.shape, wanted.toArray()]);
        });
      }),
      { numRuns: 150 },
    );
  });

  test('reads the bytes of the part only', async () => {
    // A hole of 40 GB: to read it all would take minutes, and memory that is not there.
    const rows = 1e7;
    using file = openSafetensors(withHole(rows));
    await scope(async () => {
      expect((await file.slice('x', [slice(-3), slice(5, 7)])).toArray()).toEqual([[0, 0], [0, 0], [0, 0]]); // prettier-ignore
      expect((await file.slice('x', [9_999_999])).shape).toEqual([1024]);
    });
    await expect(file.tensor('x')).rejects.toMatchObject({ code: 'ERR_OUT_OF_MEMORY', bytesAsked: rows * 4096 });
  });

  test('goes on with the file it opened when another takes its name, and notices when that gets shorter', async () => {
    const name = at('replaced.safetensors');
    await scope(async () => {
      await saveSafetensors(name, [['x', torch.full([4096], 1)]]);
      using file = openSafetensors(name);
      await saveSafetensors(name, [['x', torch.full([8], 2)]]);
      expect((await file.tensor('x')).sum().item()).toBe(4096);
    });
    await scope(async () => {
      using file = openSafetensors(name);
      fs.truncateSync(name, fs.statSync(name).size - 4);
      await expect(file.tensor('x')).rejects.toEqual(refused(/became shorter/));
    });
  });

  test('is closed once and for all', async () => {
    const file = openSafetensors(golden);
    file.close();
    file.close();
    await expect(file.tensor('grid')).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    expect(() => openSafetensors(at('none'))).toThrow(expect.objectContaining({ code: 'ERR_CHECKPOINT' }));
  });
});

describe('shards', () => {
  const weights = () =>
    Object.entries({ a: 100, b: 200, c: 300, d: 1 }).map(
      ([name, size]) => [name, torch.full([size], size, { dtype: 'float32' })] as const,
    );

  test('are written with an index and read again, and give way to one file', async () => {
    const place = at('sharded');
    await scope(async () => {
      await saveShardedSafetensors(place, weights(), { maxShardBytes: 1300, metadata: { format: 'pt' } });
      fs.writeFileSync(path.join(place, 'config.json'), '{}');
      const names = fs.readdirSync(place).sort();
      expect(names).toEqual([
        'config.json',
        ...[1, 2].map((number) => `model-0000${number}-of-00002.safetensors`),
        'model.safetensors.index.json',
      ]);
      const index = JSON.parse(fs.readFileSync(path.join(place, names.at(-1)!), 'utf8')) as object;
      expect(index).toMatchObject({ metadata: { total_parameters: 601, total_size: 2404 } });
      const all = await loadShardedSafetensors(place);
      for (const [name, tensor] of weights()) expect(described(all.get(name)!)).toEqual(described(tensor));
      expect([...(await loadShardedSafetensors(place, { names: ['c'] })).keys()]).toEqual(['c']);
      await expect(loadShardedSafetensors(place, { names: ['c', 'z'] })).rejects.toEqual(refused(/no tensor z/));
      await saveShardedSafetensors(place, weights(), { dtype: 'bfloat16' });
      expect(fs.readdirSync(place).sort()).toEqual(['config.json', 'model.safetensors']);
      expect((await loadShardedSafetensors(place)).get('b')).toMatchObject({ dtype: 'bfloat16', shape: [200] });
    });
  });

  test('a missing shard and a folder without weights are refused', async () => {
    const place = at('missing');
    await scope(() => saveShardedSafetensors(place, weights(), { maxShardBytes: 500 }));
    fs.rmSync(path.join(place, 'model-00002-of-00004.safetensors'), { force: true });
    const [gone] = fs.readdirSync(place).filter((name) => name.startsWith('model-00002'));
    if (gone !== undefined) fs.rmSync(path.join(place, gone));
    await expect(loadShardedSafetensors(place)).rejects.toEqual(refused(/There is no file/));
    await expect(loadShardedSafetensors(folder)).rejects.toEqual(refused(/holds neither/));
  });
});
