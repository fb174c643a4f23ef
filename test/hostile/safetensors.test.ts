/** Safetensors files that are damaged or made to harm: read as they are, or refused with a CheckpointError. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import fc from 'fast-check';

import { inspectSafetensors, loadSafetensors, saveSafetensors, scope, torch, type Dtype } from '../../lib/tensor';
import { temporaryFolder } from '../data/temporary';
import { damaged, damages, outcome, replacements, withReplaced } from './damage';

const folder = temporaryFolder();
const file = path.join(folder, 'x.safetensors');

function write(header: string | Uint8Array, data: Uint8Array = new Uint8Array(), length?: bigint): void {
  const bytes = Buffer.from(header);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(length ?? BigInt(bytes.length));
  fs.writeFileSync(file, Buffer.concat([size, bytes, data]));
}

const load = () =>
  scope(async () => [...(await loadSafetensors(file))].map(([name, tensor]) => [name, tensor.shape, tensor.toArray()]));
const refusal = { code: 'ERR_CHECKPOINT' };

const sound = {
  a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
  b: { dtype: 'U8', shape: [3], data_offsets: [8, 11] },
};

test.each([0n, 1n, 12n, 1n << 31n, 1n << 32n, 100_000_001n, 1n << 53n, 1n << 63n, (1n << 64n) - 1n])(
  'a header length of %s is refused',
  async (length) => {
    write('{}  ', new Uint8Array(), length);
    expect(await outcome(load)).toEqual(refusal);
  },
);

test('a file cut off anywhere is refused', async () => {
  write(JSON.stringify(sound), new Uint8Array(11));
  const whole = fs.readFileSync(file);
  expect(await outcome(load)).toHaveProperty('value');
  for (let length = 0; length < whole.length; length++) {
    fs.writeFileSync(file, whole.subarray(0, length));
    expect(await outcome(load)).toEqual(refusal);
  }
});

test.each([
  [
    'a tensor twice',
    '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
  ],
  ['a key of an entry twice', '{"a":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}}'],
  [
    'the same bytes under two names',
    '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
  ],
  ['a place that ends before it begins', '{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}'],
  ['a place beyond the file', '{"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}}'],
  ['a place before the file', '{"a":{"dtype":"U8","shape":[1],"data_offsets":[-1,0]}}'],
  [
    'sizes whose product is no number',
    '{"a":{"dtype":"U8","shape":[9007199254740991,9007199254740991],"data_offsets":[0,1]}}',
  ],
  ['half a byte', '{"a":{"dtype":"U8","shape":[0.5,2],"data_offsets":[0,1]}}'],
  [
    'a dtype that is a deep list',
    `{"a":{"dtype":${'['.repeat(50_000)}${']'.repeat(50_000)},"shape":[1],"data_offsets":[0,1]}}`,
  ],
  ['a dtype named like a prototype', '{"a":{"dtype":"__proto__","shape":[1],"data_offsets":[0,1]}}'],
])('a header with %s is refused', async (_name, header) => {
  write(header, new Uint8Array(1));
  expect(await outcome(load)).toEqual(refusal);
});

test('a header that is not UTF-8 is refused', async () => {
  const header = Buffer.from(JSON.stringify(sound).replace('"a"', '"\u0001"'));
  header[header.indexOf(1)] = 0xff;
  write(header, new Uint8Array(11));
  expect(await outcome(load)).toEqual(refusal);
});

test('tensors at odd places are read right: only their bytes count', async () => {
  const data = Buffer.alloc(9);
  data.writeFloatLE(1.5, 1);
  data.writeFloatLE(-2, 5);
  write(
    '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}}',
    data,
  );
  expect(await load()).toEqual([
    ['a', [1], [0]],
    ['b', [2], [1.5, -2]],
  ]);
});

test('sizes beyond measure beside a zero hold nothing, and harm nothing', async () => {
  const shape = [2 ** 40, 2 ** 40, 2 ** 40, 0];
  write(JSON.stringify({ a: { dtype: 'F32', shape, data_offsets: [0, 0] } }));
  const result = await outcome(() => scope(async () => (await loadSafetensors(file)).get('a')!.numel));
  expect([{ value: 0 }, refusal, { code: 'ERR_SHAPE' }]).toContainEqual(result);
});

test('names like those of a prototype are names like others', async () => {
  await scope(() =>
    saveSafetensors(
      file,
      ['__proto__', 'constructor', ''].map((name) => [name, torch.tensor([1, 2])]),
    ),
  );
  expect((await load()).map(([name]) => name)).toEqual(['__proto__', 'constructor', '']);
  const reserved = scope(() => saveSafetensors(file, [['__metadata__', torch.tensor([1])]]));
  expect(await outcome(() => reserved)).toEqual(refusal);
});

test('pipes, folders, devices and links in a circle are refused, none is waited for', () => {
  const loop = path.join(folder, 'loop.safetensors');
  fs.symlinkSync(loop, loop);
  const pipe = path.join(folder, 'pipe.safetensors');
  execFileSync('mkfifo', [pipe]);
  for (const place of [loop, pipe, folder, '/dev/zero', `${file}\0`, 'x'.repeat(10_000)]) {
    expect(() => inspectSafetensors(place)).toThrow(expect.objectContaining(refusal));
  }
});

const dtypes: Dtype[] = [
  'float32',
  'float64',
  'float16',
  'bfloat16',
  'int64',
  'int32',
  'int16',
  'int8',
  'uint8',
  'bool',
];
const tensors = fc.dictionary(
  fc.string({ unit: 'binary', maxLength: 8 }).filter((name) => name !== '__metadata__'),
  fc.record({ dtype: fc.constantFrom(...dtypes), shape: fc.array(fc.nat(3), { maxLength: 3 }) }),
  { maxKeys: 5, noNullPrototype: false },
);

test('whatever is written is read', async () => {
  await fc.assert(
    fc.asyncProperty(tensors, fc.dictionary(fc.string(), fc.string(), { maxKeys: 2 }), async (described, metadata) => {
      await scope(async () => {
        const made = Object.entries(described).map(
          ([name, { dtype, shape }]) => [name, torch.ones(shape).to(dtype)] as const,
        );
        await saveSafetensors(file, made, { metadata });
        const loaded = await loadSafetensors(file);
        expect([...loaded.keys()].sort()).toEqual(made.map(([name]) => name).sort());
        for (const [name, tensor] of made) {
          expect(loaded.get(name)).toMatchObject({ dtype: tensor.dtype, shape: tensor.shape });
          expect(loaded.get(name)!.toArray()).toEqual(tensor.toArray());
        }
        expect(inspectSafetensors(file).metadata).toEqual({ ...metadata });
      });
    }),
    { numRuns: 60 },
  );
});

test('whatever bytes are damaged, the file is read or refused', async () => {
  write(JSON.stringify({ ...sound, __metadata__: { format: 'pt' } }), new Uint8Array(11));
  const whole = fs.readFileSync(file);
  await fc.assert(
    fc.asyncProperty(damages, async (damage) => {
      fs.writeFileSync(file, damaged(whole, damage));
      const result = await outcome(load);
      if ('code' in result) expect(result).toEqual(refusal);
    }),
    { numRuns: 150 },
  );
});

test('whatever stands in the header, the file is read or refused', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), replacements, async (place, replacement) => {
      write(JSON.stringify(withReplaced(sound, place, replacement)), new Uint8Array(11));
      const result = await outcome(load);
      if ('code' in result) expect(result).toEqual(refusal);
    }),
    { numRuns: 150 },
  );
});
