/** States of PyTorch's optimisers, read from files of torch.save and written back; trainings go on from them. */
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import * as optim from '../../lib/optim';
import { load, save, torch } from '../../lib/tensor';
import {
  flat,
  folder,
  gap,
  makeOptimizer,
  makeParameters,
  readGolden,
  steps,
  train,
  trajectories,
  type Case,
} from './golden';

type File = Pick<Case, 'optimizer' | 'options' | 'second'> & { file: string; before: number[][]; after: number[][] };
const { files } = readGolden<{ files: File[] }>('others');

let temporary: string;
beforeAll(async () => {
  temporary = await fs.mkdtemp(path.join(os.tmpdir(), 'torchwright-optim-'));
});
afterAll(() => fs.rm(temporary, { recursive: true }));

/** Another optimiser, whose own settings are to be overwritten. */
const blank = ({ optimizer }: File, values: number[][]) => {
  const params = makeParameters(values);
  return { params, made: makeOptimizer({ optimizer, options: { lr: 0.9 }, second: {} }, params) };
};

test.each(files)('$file: the training goes on as in Python, also through a file of ours', async (golden) => {
  const { params, made } = blank(golden, golden.before);
  await optim.loadOptimizer(path.join(folder, golden.file), made, { section: 'optimizer' });
  const own = path.join(temporary, golden.file);
  await optim.saveOptimizer(own, made);
  train(params, made, trajectories.half, steps);
  params.forEach((parameter, index) => expect(gap(flat(parameter), golden.after[index]!)).toBeLessThan(1e-12));

  const again = blank(golden, golden.before);
  await optim.loadOptimizer(own, again.made);
  train(again.params, again.made, trajectories.half, steps);
  expect(again.params.map(flat)).toEqual(params.map(flat));
});

test('what is written has the names and forms of PyTorch’s', async () => {
  const [adam] = files as [File];
  const { made } = blank(adam, adam.before);
  await optim.loadOptimizer(path.join(folder, adam.file), made, { section: 'optimizer' });
  const state: Map<string, unknown> = optim.toPytorchState(made);
  const theirs = (await load(path.join(folder, adam.file))) as Map<string, Map<string, unknown>>;
  const keysOf = (each: Map<string, unknown>) => [...each.keys()].sort();
  const [ours, wanted] = [state, theirs.get('optimizer')!].map((each) => ({
    parameters: new Map(
      Array.from(each.get('state') as Map<number, Map<string, unknown>>, ([number, own]) => [number, keysOf(own)]),
    ),
    groups: (each.get('param_groups') as Map<string, unknown>[]).map((group) => ({
      params: group.get('params'),
      lr: group.get('lr'),
      betas: group.get('betas'),
      weightDecay: group.get('weight_decay'),
      decoupled: group.get('decoupled_weight_decay'),
    })),
  }));
  expect(ours).toEqual(wanted);
});

test('a whole checkpoint in one file', async () => {
  const weight = torch.ones([2], { dtype: 'float64' }).requiresGrad_();
  const sgd = new optim.SGD([weight], { lr: 0.5, momentum: 0.9 });
  weight.grad = torch.ones([2], { dtype: 'float64' });
  sgd.step();
  const file = path.join(temporary, 'checkpoint.pt');
  await save(file, { epoch: 3, model: { weight }, optimizer: optim.toPytorchState(sgd) });
  const other = new optim.SGD([torch.ones([2], { dtype: 'float64' }).requiresGrad_()]);
  await optim.loadOptimizer(file, other, { section: 'optimizer' });
  expect(other.groups[0]).toMatchObject({ lr: 0.5, momentum: 0.9 });
  expect(flat(other.stateDict().state[0]!.momentumBuffer!)).toEqual([1, 1]);
});

describe('misuse', () => {
  const one = () => torch.ones([2], { dtype: 'float64' }).requiresGrad_();
  const fixture = (name: string) => path.join(folder, name);
  test.each<[string, () => Promise<void>, string]>([
    ['no file', async () => optim.loadOptimizer(fixture('none.pt'), new optim.Adam([one()])), 'ERR_CHECKPOINT'],
    ['no state', async () => optim.loadOptimizer(fixture('adam.pt'), new optim.Adam([one()])), 'ERR_CHECKPOINT'],
    [
      'no such section',
      async () => optim.loadOptimizer(fixture('adam.pt'), new optim.Adam([one()]), { section: 'x' }),
      'ERR_CHECKPOINT',
    ],
    [
      'other parameters',
      async () => optim.loadOptimizer(fixture('adam.pt'), new optim.Adam([one()]), { section: 'optimizer' }),
      'ERR_CHECKPOINT',
    ],
    [
      "Adam's state for AdamW",
      async () => {
        const params = makeParameters();
        const adamw = makeOptimizer({ optimizer: 'AdamW', options: {}, second: {} }, params);
        await optim.loadOptimizer(fixture('adam.pt'), adamw, { section: 'optimizer' });
      },
      'ERR_CHECKPOINT',
    ],
    [
      "another optimiser's state",
      async () => {
        const sgd = makeOptimizer({ optimizer: 'SGD', options: {}, second: {} }, makeParameters());
        await optim.loadOptimizer(fixture('rmsprop.pt'), sgd, { section: 'optimizer' });
      },
      'ERR_CHECKPOINT',
    ],
    [
      'a setting that PyTorch has not',
      async () => {
        const adam = new optim.AdamW([one()], { epsilonBeforeCorrection: true });
        await optim.saveOptimizer(path.join(temporary, 'x.pt'), adam);
      },
      'ERR_ARGUMENT',
    ],
  ])('%s', async (_name, fn, code) => {
    await expect(fn()).rejects.toMatchObject({ code });
  });
});
