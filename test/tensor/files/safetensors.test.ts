import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { inspectSafetensors, loadSafetensors, saveSafetensors, torch, type Dtype } from '../../../lib/tensor';

let folder: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'torchwright-test-'));
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

const at = (name: string) => path.join(folder, name);

/** A file of this header and so many bytes behind it. */
function writeFile(name: string, header: unknown, bytes: number): string {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  fs.writeFileSync(at(name), Buffer.concat([length, json, Buffer.alloc(bytes)]));
  return at(name);
}

test('every dtype comes back as it was, with names, shapes and metadata', async () => {
  const dtypes: Dtype[] = [
    'float64',
    'float32',
    'float16',
    'bfloat16',
    'int64',
    'int32',
    'int16',
    'int8',
    'uint8',
    'bool',
  ];
  const tensors = dtypes.map((dtype) => [`a.${dtype}`, torch.tensor([[0, 1, 1]], { dtype })] as const);
  const all = [
    ...tensors,
    ['scalar', torch.tensor(2.5)],
    ['empty', torch.zeros([0, 4])],
    [
      'transposed',
      torch
        .tensor([
          [1, 2],
          [3, 4],
        ])
        .t(),
    ],
  ] as const;
  const file = at('all.safetensors');
  await saveSafetensors(file, all, { metadata: { format: 'pt' } });
  expect(inspectSafetensors(file).metadata).toEqual({ format: 'pt' });
  const loaded = await loadSafetensors(file);
  expect(loaded.size).toBe(all.length);
  for (const [name, tensor] of all) {
    expect(loaded.get(name)).toMatchObject({ shape: tensor.shape, dtype: tensor.dtype });
    expect(loaded.get(name)!.toArray()).toEqual(tensor.toArray());
  }
  expect((await loadSafetensors(file, { names: ['scalar'] })).get('scalar')!.item()).toBe(2.5);
});

test('a file that was there is replaced whole, and nothing else is left', async () => {
  const file = at('once.safetensors');
  for (const value of [1, 2]) await saveSafetensors(file, [['x', torch.tensor([value])]]);
  expect((await loadSafetensors(file)).get('x')!.toArray()).toEqual([2]);
  expect(fs.readdirSync(folder).filter((name) => name.includes('once'))).toEqual(['once.safetensors']);
});

const f32 = (begin: number, end: number, shape = [(end - begin) / 4]) => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
});

test.each<[string, unknown, number, RegExp]>([
  ['no JSON', '{"x": ', 4, /not JSON/],
  ['a list', [], 0, /not an object/],
  ['an entry that is none', { x: 3 }, 4, /tensor x has no description/],
  ['an unknown dtype', { x: { ...f32(0, 4), dtype: 'F4' } }, 4, /dtype "F4"/],
  ['a negative size', { x: f32(0, 4, [-1]) }, 4, /no proper shape/],
  ['sizes beyond measure', { x: f32(0, 4, [2 ** 40, 2 ** 40]) }, 4, /not of its size/],
  ['a place of another size', { x: f32(0, 4, [2]) }, 4, /not of its size/],
  ['places that overlap', { x: f32(0, 8), y: f32(4, 12) }, 12, /overlap or leave gaps/],
  ['a gap', { x: f32(4, 8) }, 8, /overlap or leave gaps/],
  ['too few bytes', { x: f32(0, 8) }, 4, /need 8 bytes, and it has 4/],
  ['too many bytes', { x: f32(0, 8) }, 12, /need 8 bytes, and it has 12/],
  ['metadata that are no texts', { __metadata__: { a: 1 } }, 0, /metadata/],
])('%s is refused', (name, header, bytes, message) => {
  const file = writeFile(`${name.replaceAll(' ', '-')}.safetensors`, header, bytes);
  expect(() => inspectSafetensors(file)).toThrow(
    expect.objectContaining({ code: 'ERR_CHECKPOINT', message: expect.stringMatching(message) }),
  );
});

test('files that are not there, empty, or with a header longer than they are, are refused', () => {
  fs.writeFileSync(at('empty.safetensors'), '');
  fs.writeFileSync(at('long.safetensors'), Buffer.alloc(16, 0xff));
  for (const name of ['gone.safetensors', 'empty.safetensors', 'long.safetensors', '.']) {
    expect(() => inspectSafetensors(at(name))).toThrow(expect.objectContaining({ code: 'ERR_CHECKPOINT' }));
  }
});

test('a name that the file lacks is named', async () => {
  const file = at('lacking.safetensors');
  await saveSafetensors(file, [['x', torch.tensor([1])]]);
  await expect(loadSafetensors(file, { names: ['y'] })).rejects.toThrow(
    expect.objectContaining({ code: 'ERR_CHECKPOINT', message: expect.stringContaining('no tensor y') }),
  );
});

test('a folder that is not there is an error, not a crash', async () => {
  await expect(saveSafetensors(at('no/such/folder/x.safetensors'), [['x', torch.tensor([1])]])).rejects.toThrow(
    expect.objectContaining({ code: 'ERR_CHECKPOINT' }),
  );
});
