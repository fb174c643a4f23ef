import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import fc from 'fast-check';

import { loadNpy, loadNpz, saveNpy, saveNpz, scope, torch, type Dtype } from '../../../lib/tensor';
import { PythonLiteral } from '../../../lib/tensor/files/python-literal';
import { temporaryFolder } from '../../data/temporary';
import { damaged, damages, outcome } from '../../hostile/damage';
import { described, expectedFiles, goldenFile, refused } from './golden';

const folder = temporaryFolder();
const at = (name: string) => path.join(folder, name);

describe('npy', () => {
  test.each(Object.entries(expectedFiles.npy))('%s is as in NumPy', async (name, expected) => {
    await scope(async () => expect(described(await loadNpy(goldenFile(`${name}.npy`)))).toEqual(expected));
  });

  test("an array in Fortran's order keeps its strides", async () => {
    await scope(async () => expect((await loadNpy(goldenFile('fortran.npy'))).strides).toEqual([1, 2, 6]));
  });

  test.each([
    ['objects', /Python objects, which are pickled/],
    ['texts', /"<U3": it holds texts/],
    ['records', /records with fields/],
    ['dates', /holds dates/],
    ['long-double', /floating-point numbers of a width/],
  ])('%s are refused by name', async (name, message) => {
    await expect(loadNpy(goldenFile(`refused-${name}.npy`))).rejects.toEqual(refused(message));
  });

  const kept: Dtype[] = [
    ...(['float64', 'float32', 'float16', 'int64', 'int32', 'int16', 'int8', 'uint8', 'bool'] as const),
    ...(['uint16', 'uint32', 'uint64', 'complex64', 'complex128'] as const),
  ];
  test.each(kept)('%s is written byte for byte as NumPy writes it', async (dtype) => {
    const golden = goldenFile(`${dtype}.npy`);
    await scope(async () => {
      await saveNpy(at('written.npy'), await loadNpy(golden));
      expect(fs.readFileSync(at('written.npy'))).toEqual(fs.readFileSync(golden));
    });
  });

  test.each<Dtype>(['bfloat16', 'float8_e5m2', 'complex32'])('%s, which NumPy has not, is refused', async (dtype) => {
    await scope(() =>
      expect(saveNpy(at('no.npy'), torch.tensor([1], { dtype }))).rejects.toEqual(refused(/NumPy has no/)),
    );
    expect(fs.existsSync(at('no.npy'))).toBe(false);
  });

  test('strides are no matter: what is written is row-major', async () => {
    await scope(async () => {
      await saveNpy(at('strided.npy'), torch.arange(6).view([2, 3]).t());
      expect((await loadNpy(at('strided.npy'))).toArray({ int64: 'number' })).toEqual([[0, 3], [1, 4], [2, 5]]); // prettier-ignore
    });
  });

  test('a file cut off anywhere is refused', async () => {
    const whole = fs.readFileSync(goldenFile('float32.npy'));
    for (let length = 0; length < whole.length; length++) {
      fs.writeFileSync(at('cut.npy'), whole.subarray(0, length));
      expect(await outcome(() => loadNpy(at('cut.npy')))).toEqual({ code: 'ERR_CHECKPOINT' });
    }
  });

  test('pipes, folders and devices are refused, none is waited for', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    for (const place of [at('pipe'), folder, '/dev/zero', at('gone'), `${at('x')}\0`]) {
      expect(await outcome(() => loadNpy(place))).toEqual({ code: 'ERR_CHECKPOINT' });
      expect(await outcome(() => loadNpz(place))).toEqual({ code: 'ERR_CHECKPOINT' });
    }
  });
});

describe('npz', () => {
  test.each(['stored', 'deflated'])('%s', async (form) => {
    await scope(async () => {
      const arrays = await loadNpz(goldenFile(`${form}.npz`));
      expect(Object.fromEntries([...arrays].map(([name, tensor]) => [name, described(tensor)]))).toEqual(
        expectedFiles.npz,
      );
      expect([...(await loadNpz(goldenFile(`${form}.npz`), { names: ['flags'] })).keys()]).toEqual(['flags']);
    });
    await expect(loadNpz(goldenFile(`${form}.npz`), { names: ['none'] })).rejects.toEqual(refused(/no array none/));
  });

  test.each([false, true])('what is written is read again (compressed: %s)', async (compressed) => {
    await scope(async () => {
      const arrays = await loadNpz(goldenFile('stored.npz'));
      await saveNpz(at('written.npz'), [...arrays, ['half', torch.tensor([1.5], { dtype: 'float16' })]], {
        compressed,
      });
      const again = await loadNpz(at('written.npz'));
      expect([...again.keys()]).toEqual([...arrays.keys(), 'half']);
      for (const [name, tensor] of arrays) expect(described(again.get(name)!)).toEqual(described(tensor));
      expect(again.get('half')!.toArray()).toEqual([1.5]);
    });
  });

  test('two arrays of one name are refused, and nothing is written', async () => {
    await scope(
      () =>
      expect(saveNpz(at('twice.npz'), [['a', torch.ones([1])], ['a', torch.ones([1])]])).rejects.toEqual(refused(/same name/)), // prettier-ignore
    );
    expect(fs.existsSync(at('twice.npz'))).toBe(false);
  });

  test.each(['stored', 'deflated'])('one changed element is noticed (%s)', async (form) => {
    const bytes = fs.readFileSync(goldenFile(`${form}.npz`));
    const first = bytes.indexOf('grid.npy') + 'grid.npy'.length;
    const place = form === 'stored' ? bytes.indexOf(1, first + 140) : first + 60;
    bytes[place]! ^= 4;
    fs.writeFileSync(at('changed.npz'), bytes);
    expect(await outcome(() => loadNpz(at('changed.npz'), { names: ['grid'] }))).toEqual({ code: 'ERR_CHECKPOINT' });
  });
});

test.each([
  ['float32.npy', loadNpy],
  ['stored.npz', loadNpz],
  ['deflated.npz', loadNpz],
] as const)('whatever bytes of %s are damaged, it is read or refused', async (name, load) => {
  const whole = fs.readFileSync(goldenFile(name));
  await fc.assert(
    fc.asyncProperty(damages, async (damage) => {
      fs.writeFileSync(at('damaged'), damaged(whole, damage));
      const result = await outcome(() => scope(async () => void (await load(at('damaged')))));
      if ('code' in result) expect(result).toEqual({ code: 'ERR_CHECKPOINT' });
    }),
    { numRuns: 150 },
  );
});

test('Python literals are read, and nothing else', () => {
  const read = (text: string) => PythonLiteral.read(text);
  expect(read(" {'a': (1,), \"b\": [True, None, -2L], 'c': (3), 'd': () ,}\n")).toEqual(
    new Map<string, unknown>([
      ['a', [1]],
      ['b', [true, null, -2]],
      ['c', 3],
      ['d', []],
    ]),
  );
  for (const text of [
    '',
    '{',
    "{'a'}",
    "{'a': 1, 'a': 2}",
    '(1 2)',
    '(,)',
    "'open",
    '1+1',
    'f()',
    '(1',
    '['.repeat(99),
  ]) {
    expect(read(text)).toBeUndefined();
  }
});
