/** The golden trainings of test/fixtures/optim: parameters, given gradients, and what PyTorch made of them. */
import fs from 'node:fs';
import path from 'node:path';

import * as optim from '../../lib/optim';
import { torch, type Dtype, type Tensor } from '../../lib/tensor';

export type OptimizerName = 'Adam' | 'AdamW' | 'SGD' | 'RMSprop' | 'Adafactor' | 'Lion';

export interface Case {
  optimizer: OptimizerName;
  options: Record<string, unknown>;
  second: Record<string, unknown>;
  dtype: 'float64' | 'float32' | 'bfloat16';
  /** Values of each parameter after so many steps. */
  values: Record<string, number[][]>;
  /** What is remembered of each, by PyTorch's names, in the order of the groups. */
  state: Record<string, number[]>[];
}

interface Trajectories {
  shapes: number[][];
  second: number[];
  half: number;
  start: number[][];
  gradients: (number[] | null)[][];
  cases: Case[];
}

export const folder = path.join(__dirname, '../fixtures/optim');
export const readGolden = <T>(name: string): T =>
  JSON.parse(fs.readFileSync(path.join(folder, `${name}.json`), 'utf8')) as T;
export const trajectories = readGolden<Trajectories>('trajectories');
export const steps = trajectories.gradients.length;

/** A tensor of a golden shape. */
export const shaped = (values: number[], shape: number[], dtype: Dtype = 'float64'): Tensor =>
  torch.scope(() => torch.tensor(values, { dtype: 'float64' }).reshape(shape).to(dtype).clone());

export const flat = (tensor: Tensor): number[] =>
  torch.scope(() => Array.from(tensor.detach().to('float64').contiguous().dataSync()));

export function makeParameters(values: number[][] = trajectories.start, dtype: Dtype = 'float64'): Tensor[] {
  return values.map((each, index) => shaped(each, trajectories.shapes[index]!, dtype).keep().requiresGrad_());
}

export type AnyOptimizer = optim.Optimizer & { stateDict(): never; loadStateDict(state: never): void };

export function makeOptimizer(
  { optimizer, options, second }: Pick<Case, 'optimizer' | 'options' | 'second'>,
  params: Tensor[],
): AnyOptimizer {
  const isSecond = (index: number) => trajectories.second.includes(index);
  const groups = [
    { params: params.filter((_, index) => !isSecond(index)) },
    { params: params.filter((_, index) => isSecond(index)), ...second },
  ];
  return new optim[optimizer](groups as never, options) as unknown as AnyOptimizer;
}

/** Steps `from` to `to` of the golden training; the learning rates are halved half way. */
export function train(params: Tensor[], optimizer: AnyOptimizer, from: number, to: number): void {
  for (let step = from; step < to; step++) {
    torch.scope(() => {
      if (step === trajectories.half) for (const group of optimizer.groups) group.lr *= 0.5;
      for (const [index, parameter] of params.entries()) {
        const gradient = trajectories.gradients[step]![index]!;
        parameter.grad = gradient && shaped(gradient, trajectories.shapes[index]!, parameter.dtype);
      }
      optimizer.step();
    });
  }
}

/** The largest difference, in proportion to numbers above 1. */
export function gap(actual: readonly number[], wanted: readonly number[]): number {
  expect(actual).toHaveLength(wanted.length);
  return Math.max(
    0,
    ...actual.map((value, index) => Math.abs(value - wanted[index]!) / Math.max(1, Math.abs(wanted[index]!))),
  );
}
