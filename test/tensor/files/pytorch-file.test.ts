import fs from 'node:fs';
import path from 'node:path';

import fc from 'fast-check';

import { inspectPytorch, loadPytorch, PytorchTensor, savePytorch, scope, Tensor, torch } from '../../../lib/tensor';
import { readPickle } from '../../../lib/tensor/files/pickle';
import { temporaryFolder } from '../../train/tokens';
import { described, expectedFiles, goldenFile } from './golden';

/** Files that Python's torch.save wrote. */
const golden = (name: string) => path.resolve(__dirname, '../../fixtures/pytorch', name);
const refused = (message: RegExp): Error =>
  expect.objectContaining({ code: 'ERR_CHECKPOINT', message: expect.stringMatching(message) }) as Error;

let folder: string;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => fs.rmSync(folder, { recursive: true }));
const at = (name: string) => path.join(folder, name);
/** A copy of a golden file with its bytes changed, and its checksums left out, as PyTorch may. */
function changed(source: string, change: (bytes: Buffer) => Buffer): string {
  const file = at('changed.pt');
  fs.writeFileSync(file, change(withoutChecksums(fs.readFileSync(golden(source)))));
  return file;
}
function withoutChecksums(bytes: Buffer): Buffer {
  for (let entry = bytes.indexOf('PK\x01\x02'); entry >= 0; entry = bytes.indexOf('PK\x01\x02', entry + 1))
    bytes.writeUInt32LE(0, entry + 16);
  return bytes;
}
const replaced = (from: string, to: string) => (bytes: Buffer) =>
  Buffer.from(bytes.toString('latin1').replaceAll(from, to), 'latin1');

test('offsets, strides, shared storages and every dtype are as in Python', async () => {
  const tensors = await loadPytorch(golden('tensors.pt'));
  const values = (name: string) => tensors.get(name)!.toArray({ int64: 'number' });
  const row = (from: number) => Array.from({ length: 6 }, (_, column) => from + column);
  expect(values('matrix')).toEqual([row(0), row(6), row(12), row(18)]);
  expect(values('transposed')).toEqual(row(0).map((column) => [column, column + 6, column + 12, column + 18]));
  expect(values('rows')).toEqual([row(6), row(12)]);
  expect(values('columns')).toEqual([0, 6, 12, 18].map((first) => [first + 1, first + 3, first + 5]));
  expect(values('expanded')).toEqual([7, 7, 7]);
  expect(values('scalar')).toBe(2.5);
  expect(values('parameter')).toEqual([1, -1]);
  expect(tensors.get('empty')!.shape).toEqual([0, 4]);
  const dtypes = ['float64', 'float32', 'float16', 'bfloat16', 'int64', 'int32', 'int16', 'int8', 'uint8', 'bool'];
  for (const dtype of dtypes.filter((each) => tensors.has(each))) {
    expect(tensors.get(dtype)!.dtype).toBe(dtype);
    expect(tensors.get(dtype)!.to('float32').toArray()).toEqual([[0, 1, 1]]);
  }
  // One storage in the file is one in memory.
  tensors.get('rows')!.fill_(0);
  expect(values('columns')).toEqual([[1, 3, 5], [0, 0, 0], [0, 0, 0], [19, 21, 23]]); // prettier-ignore
});

test('a checkpoint is read around its state dict: lists, numbers, a namespace', async () => {
  const { value } = await inspectPytorch(golden('checkpoint.pt'));
  const content = value as Map<string, unknown>;
  expect(Object.fromEntries(content.get('args') as Map<string, unknown>)).toEqual({
    arch: 'delight',
    lr: [0.001],
    cutoff: null,
    layers: 3,
  });
  expect(Object.fromEntries(content.get('extra_state') as Map<string, unknown>)).toEqual({
    epoch: 4,
    loss: 1.5,
    big: 2n ** 70n,
    best: true,
  });
  expect(content.get('list')).toEqual([1, 2, 3]);
  expect((content.get('model') as Map<string, unknown>).get('weight')).toBeInstanceOf(PytorchTensor);
  const state = await loadPytorch(golden('checkpoint.pt'), { section: 'model', names: ['bias'] });
  expect([...state.keys()]).toEqual(['bias']);
  expect(state.get('bias')!.toArray()).toEqual([1, 1, 1]);
});

test('dtypes without a storage type of their own, conjugates, negatives and views are as in Python', async () => {
  await scope(async () => {
    const tensors = await loadPytorch(goldenFile('dtypes.pt'));
    expect(Object.fromEntries([...tensors].map(([name, tensor]) => [name, described(tensor)]))).toEqual(
      expectedFiles.pt,
    );
    tensors.get('base')!.fill_(1);
    expect(tensors.get('window')!.sum().item()).toBe(6);
  });
});

test('torch.load gives all that is held, with what is shared still shared', async () => {
  await scope(async () => {
    const loaded = (await torch.load(goldenFile('nested.pt'))) as Map<string, unknown>;
    const [layer, tuple] = loaded.get('layers') as [Map<string, Tensor>, unknown[]];
    expect(layer.get('weight')!.toArray()).toEqual([1, 1]);
    layer.get('weight')!.zero_();
    expect(layer.get('again')!.toArray()).toEqual([0, 0]);
    expect(tuple).toEqual([1, 2.5, null, true]);
    expect(loaded.get('parameter')).toBeInstanceOf(Tensor);
    expect(Object.fromEntries([...loaded].filter(([name]) => name !== 'layers' && name !== 'parameter'))).toEqual({
      dtype: 'torch.float16',
      device: 'cpu',
      bytes: Uint8Array.of(0, 255, 97, 98),
      set: new Set([1, 2]),
      size: [2, 3],
    });
  });
});

test('a tensor of a list loaded by torch.load is freed with its scope', async () => {
  const before = torch.memory().tensors;
  await scope(async () => void (await torch.load(goldenFile('nested.pt'))));
  expect(torch.memory().tensors).toBe(before);
});

test.each([
  ['sparse', /_rebuild_sparse_tensor for a sparse tensor/],
  ['quantised', /_rebuild_qtensor for a quantised tensor/],
  ['meta', /meta device, which has no elements/],
  ['float8_e8m0fnu', /proper dtype/],
])('a %s tensor is refused by name', async (name, message) => {
  await expect(loadPytorch(goldenFile(`refused-${name}.pt`))).rejects.toEqual(refused(message));
});

test('a changed element and a changed description are noticed where there are checksums', async () => {
  const bytes = fs.readFileSync(goldenFile('dtypes.pt'));
  const element = bytes.indexOf(Buffer.from(new Float32Array([7]).buffer));
  for (const place of [element, bytes.indexOf('complex64') + 2]) {
    const copy = Buffer.from(bytes);
    copy[place]! ^= 1;
    fs.writeFileSync(at('sum.pt'), copy);
    await expect(loadPytorch(at('sum.pt'))).rejects.toEqual(refused(/a checksum is wrong/));
  }
  expect((await loadPytorch(goldenFile('no-checksums.pt'))).get('a')!.toArray()).toEqual([1, 1, 1]);
});

test('a newer pickle protocol is read', async () => {
  expect((await loadPytorch(golden('protocol4.pt'))).get('a')!.toArray()).toEqual([1, 1]);
});

test('what is written is read again, a tensor of two names as one', async () => {
  const original = await loadPytorch(golden('tensors.pt'));
  const file = at('deep/er/written.pt');
  await savePytorch(file, [...original, ['alias', original.get('matrix')!]]);
  const read = await loadPytorch(file);
  expect([...read.keys()]).toEqual([...original.keys(), 'alias']);
  for (const [name, tensor] of original) {
    expect(read.get(name)).toMatchObject({ dtype: tensor.dtype, shape: tensor.shape });
    expect(read.get(name)!.toArray()).toEqual(tensor.toArray());
  }
  read.get('alias')!.zero_();
  expect(read.get('matrix')!.sum().item()).toBe(0);
  expect(fs.readdirSync(path.dirname(file))).toEqual(['written.pt']);
});

test('two tensors of one name are refused, and what stood there stays', async () => {
  const file = at('twice.pt');
  await savePytorch(file, [['a', torch.ones([1])]]);
  const twice: [string, Tensor][] = [['b', torch.ones([1])], ['b', torch.ones([1])]]; // prettier-ignore
  await expect(savePytorch(file, twice)).rejects.toEqual(refused(/same name/));
  expect([...(await loadPytorch(file)).keys()]).toEqual(['a']);
});

test.each<[string, () => string, RegExp]>([
  ['a missing file', () => at('gone.pt'), /There is no file/],
  ['a folder', () => folder, /cannot be read/],
  ['the form before 1.6', () => golden('legacy.pt'), /before 1\.6.*torch\.save/],
  ['another function', () => golden('foreign.pt'), /the name datetime\.date/],
  ['a text file', () => changed('tensors.pt', () => Buffer.from('weights')), /not a file of torch\.save/],
  ['half a file', () => changed('tensors.pt', (bytes) => bytes.subarray(0, 3000)), /cannot be read/],
  ['big-endian', () => changed('tensors.pt', replaced('little', 'bigend')), /big-endian/],
  ['a missing pickle', () => changed('tensors.pt', replaced('data.pkl', 'data.pk0')), /no data\.pkl/],
  [
    'an unknown storage',
    () => changed('tensors.pt', replaced('DoubleStorage', 'QInt32Storage')),
    /torch\.QInt32Storage/,
  ],
  [
    'a storage of another type',
    () => changed('tensors.pt', replaced('ShortStorage', 'FloatStorage')),
    /storage \d+ has 6 bytes/,
  ],
])('%s is refused', async (_name, file, message) => {
  await expect(loadPytorch(file())).rejects.toEqual(refused(message));
});

test('a dictionary of other things is no state dict, and says what it holds', async () => {
  await expect(loadPytorch(golden('checkpoint.pt'))).rejects.toEqual(refused(/it holds "args"/));
  await expect(loadPytorch(golden('checkpoint.pt'), { section: 'weights' })).rejects.toEqual(
    refused(/"weights" is not/),
  );
  await expect(loadPytorch(golden('protocol4.pt'), { names: ['b'] })).rejects.toEqual(refused(/no tensor b/));
});

const text = (value: string) => `X${String.fromCharCode(value.length, 0, 0, 0)}${value}`;
/** A tensor of one storage of 4 floats. */
const tensorPickle = (shape: string, strides: string, numel = 'K\x04', offset = 'K\x00') =>
  `\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((${text('storage')}ctorch\nFloatStorage\n${text('0')}${text('cpu')}${numel}tQ` +
  `${offset}${shape}${strides}\x89)tR.`;

test.each<[string, string, RegExp]>([
  ['nothing', '', /its end/],
  ['a value from an empty stack', '\x80\x02.', /where there is none/],
  ['an unheard-of opcode', '\x80\x02\xff.', /opcode 0xff/],
  ['an old protocol', '\x80\x01N.', /protocol 1/],
  ['a memo entry never stored', '\x80\x02h\x07.', /memo entry 7/],
  ['a text longer than the file', '\x80\x02X\xff\xff\xff\x7fa.', /its end/],
  ['a list without a beginning', '\x80\x02t.', /without a beginning/],
  ['a function as a value', '\x80\x02ccollections\nOrderedDict\n.', /a function/],
  ['os.system', '\x80\x02cos\nsystem\n(X\x02\x00\x00\x00lstR.', /the name os\.system/],
  ['a call of a number', '\x80\x02K\x01)R.', /cannot be called/],
  ['a size beyond the storage', tensorPickle('K\x05\x85', 'K\x01\x85'), /storage of 4 elements/],
  ['a stride beyond the storage', tensorPickle('K\x02\x85', 'K\x04\x85'), /storage of 4 elements/],
  ['an offset beyond the storage', tensorPickle('K\x01\x85', 'K\x01\x85', 'K\x04', 'K\x04'), /storage of 4 elements/],
  ['a negative size', tensorPickle('J\xff\xff\xff\xff\x85', 'K\x01\x85'), /proper shape/],
  [
    'sizes beyond all counting',
    tensorPickle('(' + 'J\x00\x00\x00\x40'.repeat(3) + 't', 'K\x00K\x00K\x00\x87'),
    /storage of 4/,
  ],
  ['strides of another number', tensorPickle('K\x01\x85', ')'), /proper shape/],
])('a pickle with %s is refused', (_name, content, message) => {
  expect(() => readPickle(Buffer.from(content, 'latin1'), 'file')).toThrow(refused(message));
});

test('a state brought again and again by the memo does not outgrow the file', () => {
  const entries = Array.from({ length: 200 }, (_, i) => `K${String.fromCharCode(i)}N`).join('');
  const namespaces = 'cargparse\nNamespace\n)Rh\x00b0'.repeat(100);
  const bomb = `\x80\x02(${entries}dq\x000${namespaces}N.`;
  expect(() => readPickle(Buffer.from(bomb, 'latin1'), 'file')).toThrow(refused(/more entries/));
});

test('deep nesting costs no stack', () => {
  const deep = `\x80\x02)${'\x85'.repeat(200_000)}.`;
  expect(Array.isArray(readPickle(Buffer.from(deep, 'latin1'), 'file'))).toBe(true);
});

test('whatever bytes are damaged, the file is read or refused with a CheckpointError', async () => {
  const original = fs.readFileSync(golden('checkpoint.pt'));
  const damages = fc.array(fc.tuple(fc.nat(original.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(damages, fc.nat(original.length), async (bytes, cut) => {
      const copy = Buffer.from(original);
      for (const [index, value] of bytes) copy[index] = value;
      const file = changed('checkpoint.pt', () => (cut % 4 === 0 ? copy.subarray(0, cut) : copy));
      await loadPytorch(file, { section: 'model' }).catch((error: { code: string }) => {
        expect(error.code).toBe('ERR_CHECKPOINT');
      });
    }),
    { numRuns: 300 },
  );
});
