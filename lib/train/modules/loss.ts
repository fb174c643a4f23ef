/** What a module's own loss function gives, in one form. */
import { ArgumentError } from '../../errors';
import type { Module } from '../../nn';
import { Tensor } from '../../tensor';
import { tensorsIn } from './batch-tensors';

/** A loss with what belongs to it. */
export interface ModuleLoss {
  /** One number: the mean over the batch's targets. */
  loss: Tensor;
  /** What the mean was taken over, such as the tokens that are not padding: batches of a step weigh as much. Default: the samples. */
  targets?: number | undefined;
  /** Samples of the batch. Default: the first size of the first tensor in it, else 1. */
  samples?: number | undefined;
  /** More figures of the batch, such as an accuracy: each the mean over its targets. */
  metrics?: Record<string, Tensor | number> | undefined;
}

/** Computes the loss of a batch: the mean over what it predicts, alone or with what belongs to it. Evaluations use it too. */
export type LossFunction<Net extends Module, Batch> = (
  net: Net,
  batch: Batch,
) => Tensor | ModuleLoss | Promise<Tensor | ModuleLoss>;

/** The parts of a loss, checked. */
export interface CheckedLoss {
  loss: Tensor;
  targets: number;
  samples: number;
  metrics: Record<string, Tensor | number>;
}

/** @throws ArgumentError for what is not a loss */
export async function lossOf<Net extends Module, Batch>(
  net: Net,
  batch: Batch,
  compute: LossFunction<Net, Batch>,
): Promise<CheckedLoss> {
  const given: unknown = await compute(net, batch);
  const { loss, ...rest }: Partial<ModuleLoss> =
    given instanceof Tensor ? { loss: given as Tensor } : (Object(given) as object);
  if (!(loss instanceof Tensor))
    throw new ArgumentError(
      'The loss function of a Trainer must return a tensor, or { loss, targets, metrics } with one.',
    );
  if (loss.numel !== 1)
    throw new ArgumentError(
      `The loss must be one number, the mean over the batch; it has the shape [${loss.shape.join(', ')}]. Did you forget mean()?`,
    );
  const samples = count('samples', rest.samples ?? samplesIn(batch) ?? 1);
  return { loss, samples, targets: count('targets', rest.targets ?? samples), metrics: rest.metrics ?? {} };
}

function count(name: string, value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value < Infinity) return value;
  throw new ArgumentError(`${name} of a loss must be a number from 0 on, not ${String(value)}.`);
}

/** The first size of the first tensor in a batch that has sizes. */
function samplesIn(batch: unknown): number | undefined {
  for (const [, tensor] of tensorsIn(batch)) if (tensor.shape[0] !== undefined) return tensor.shape[0];
  return undefined;
}

/** Reads a number back without holding up the JavaScript thread. @throws ArgumentError for more than one */
export async function numberOf(name: string, value: Tensor | number): Promise<number> {
  if (typeof value === 'number') return value;
  if (!(value instanceof Tensor) || value.numel !== 1)
    throw new ArgumentError(`metrics.${name} of a loss must be a number, or a tensor with one.`);
  return Number(value.device === 'cpu' ? value.item() : (await value.data())[0]);
}

/** A batch's loss and metrics as numbers, and how much they weigh. */
export interface LossFigures {
  loss: number;
  targets: number;
  samples: number;
  metrics: Record<string, number>;
}

export async function figuresOf({ loss, targets, samples, metrics }: CheckedLoss): Promise<LossFigures> {
  const names = Object.keys(metrics);
  const values = await Promise.all(names.map((name) => numberOf(name, metrics[name]!)));
  return {
    loss: await numberOf('loss', loss),
    targets,
    samples,
    metrics: Object.fromEntries(names.map((name, index) => [name, values[index]!])),
  };
}

/** The means over all targets of several batches. */
export function meanFigures(parts: readonly LossFigures[]): LossFigures {
  const sum = (of: (part: LossFigures) => number) => parts.reduce((total, part) => total + of(part), 0);
  const targets = sum((part) => part.targets);
  const mean = (of: (part: LossFigures) => number) => {
    if (parts.length === 1) return of(parts[0]!);
    return sum((part) => (part.targets === 0 ? 0 : of(part) * part.targets)) / targets;
  };
  const names = new Set(parts.flatMap(({ metrics }) => Object.keys(metrics)));
  return {
    loss: mean(({ loss }) => loss),
    targets,
    samples: sum(({ samples }) => samples),
    metrics: Object.fromEntries([...names].map((name) => [name, mean(({ metrics }) => metrics[name] ?? NaN)])),
  };
}
