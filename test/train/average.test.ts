/** Averaging the weights of models. */
import fs from 'node:fs';
import path from 'node:path';

import { inspectSafetensors, loadSafetensors, saveSafetensors, torch, type Tensor } from '../../lib/tensor';
import { averageCheckpoints } from '../../lib/train';
import { runCli } from '../cli/run-cli';
import { temporaryFolder } from './tokens';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

async function writeModel(name: string, tensors: Record<string, Tensor>, note = name): Promise<string> {
  const model = path.join(folder, name);
  fs.mkdirSync(path.join(model, 'more'), { recursive: true });
  fs.writeFileSync(path.join(model, 'config.json'), note);
  fs.writeFileSync(path.join(model, 'more', 'words.txt'), note);
  await saveSafetensors(path.join(model, 'model.safetensors'), Object.entries(tensors), { metadata: { format: 'pt' } });
  return model;
}

const out = () => path.join(folder, 'averaged');
const averaged = () => loadSafetensors(path.join(out(), 'model.safetensors'));

test('each weight is the plain mean; dtypes, metadata and the other files stay', async () => {
  const models = [
    await writeModel('a', {
      w: torch.tensor([[1, 2]]),
      half: torch.tensor([1], { dtype: 'bfloat16' }),
      n: torch.tensor([3n]),
    }),
    await writeModel('b', {
      w: torch.tensor([[2, 4]]),
      half: torch.tensor([2], { dtype: 'bfloat16' }),
      n: torch.tensor([3n]),
    }),
    await writeModel('c', {
      w: torch.tensor([[6, 9]]),
      half: torch.tensor([6], { dtype: 'bfloat16' }),
      n: torch.tensor([3n]),
    }),
  ];
  await averageCheckpoints(models, out());
  const tensors = await averaged();
  expect(tensors.get('w')!.toArray()).toEqual([[3, 5]]);
  expect(tensors.get('half')).toMatchObject({ dtype: 'bfloat16' });
  expect(tensors.get('half')!.to('float32').toArray()).toEqual([3]);
  expect(tensors.get('n')!.toArray()).toEqual([3n]);
  expect(inspectSafetensors(path.join(out(), 'model.safetensors')).metadata).toEqual({ format: 'pt' });
  expect(fs.readFileSync(path.join(out(), 'config.json'), 'utf8')).toBe('c');
  expect(fs.readFileSync(path.join(out(), 'more', 'words.txt'), 'utf8')).toBe('c');
});

test('of checkpoints, by their links too, the models alone are averaged', async () => {
  const model = await writeModel('step-00000001', { w: torch.tensor([1]) });
  fs.mkdirSync(path.join(model, 'training'));
  fs.writeFileSync(path.join(model, 'training', 'state.json'), '{}');
  fs.writeFileSync(path.join(model, 'manifest.json'), '{}');
  const link = path.join(folder, 'latest');
  fs.symlinkSync('step-00000001', link);
  await averageCheckpoints([await writeModel('other', { w: torch.tensor([3]) }), link], out());
  expect((await averaged()).get('w')!.toArray()).toEqual([2]);
  expect(fs.readdirSync(out()).sort()).toEqual(['config.json', 'model.safetensors', 'more']);
  expect(fs.lstatSync(out()).isSymbolicLink()).toBe(false);
});

test('the sum is in double precision', async () => {
  const values = [1, 2 ** -24, 2 ** -24, 2 ** -24];
  const models = await Promise.all(values.map((value, index) => writeModel(`${index}`, { w: torch.tensor([value]) })));
  await averageCheckpoints(models, out());
  expect((await averaged()).get('w')!.item()).toBe(Math.fround((1 + 3 * 2 ** -24) / 4));
});

test('means of whole numbers are rounded down', async () => {
  const counts = [10n, 20n, 31n];
  const models = await Promise.all(counts.map((n, index) => writeModel(`${index}`, { n: torch.tensor(n) })));
  await averageCheckpoints(models, out());
  expect((await averaged()).get('n')!.toArray()).toBe(20n);
});

test('one model, or the same one twice, is itself', async () => {
  const model = await writeModel('a', { w: torch.tensor([0.1]) });
  await averageCheckpoints([model, model], out());
  expect((await averaged()).get('w')!.item()).toBe(Math.fround(0.1));
});

test('nothing is left in memory', async () => {
  const models = [await writeModel('a', { w: torch.ones([4]) }), await writeModel('b', { w: torch.zeros([4]) })];
  const before = torch.memory();
  await averageCheckpoints(models, out());
  expect(torch.memory()).toEqual(before);
});

test('models that differ are refused, and nothing is written', async () => {
  const model = await writeModel('a', { w: torch.zeros([2]), n: torch.tensor([3n]) });
  const refused: [Record<string, Tensor>, RegExp][] = [
    [{ w: torch.zeros([2]) }, /no tensor n/],
    [{ w: torch.zeros([2]), n: torch.tensor([3n]), x: torch.zeros([1]) }, /no tensor x/],
    [
      { w: torch.zeros([2, 1]), n: torch.tensor([3n]) },
      /w is float32 \[2, 1\], not float32 \[2\]|w is float32 \[2\], not float32 \[2, 1\]/,
    ],
    [{ w: torch.zeros([2], { dtype: 'float64' }), n: torch.tensor([3n]) }, /float64/],
  ];
  for (const [index, [tensors, message]] of refused.entries()) {
    const other = await writeModel(`other${index}`, tensors);
    const error = expect.objectContaining({ code: 'ERR_CHECKPOINT', message: expect.stringMatching(message) });
    await expect(averageCheckpoints([model, other], out())).rejects.toThrow(error);
  }
  await expect(averageCheckpoints([path.join(folder, 'none'), model], out())).rejects.toThrow(
    expect.objectContaining({ code: 'ERR_CHECKPOINT' }),
  );
  expect(fs.existsSync(out())).toBe(false);
});

test('a folder that holds something, no model, and an abort are refused', async () => {
  const model = await writeModel('a', { w: torch.zeros([2]) });
  await expect(averageCheckpoints([model], folder)).rejects.toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
  await expect(averageCheckpoints([], out())).rejects.toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
  await expect(averageCheckpoints([model], out(), { signal: AbortSignal.abort() })).rejects.toThrow(
    expect.objectContaining({ code: 'ERR_ABORTED' }),
  );
  expect(fs.existsSync(out())).toBe(false);
});

test('from the command line', async () => {
  await writeModel('a', { w: torch.tensor([1]) });
  await writeModel('b', { w: torch.tensor([2]) });
  const options = { cwd: folder, cacheDir: path.join(folder, 'cache') };
  expect(await runCli(['average', 'averaged', 'a', 'b'], options)).toMatchObject({
    code: 0,
    stdout: 'Mean of 2 models: averaged\n',
  });
  expect((await averaged()).get('w')!.item()).toBe(1.5);
  expect(await runCli(['average', 'averaged', 'a'], options)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/averaged is not empty/),
  });
}, 30_000);
