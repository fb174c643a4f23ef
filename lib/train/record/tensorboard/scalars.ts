/** What TensorBoard draws, by its tags: those of Hugging Face's Trainer where it has them. */
import type { EvaluationEvent, StepEvent } from '../../events';

type Scalars = [tag: string, value: number][];

export function stepScalars(event: StepEvent): Scalars {
  const { loss, nll, gradNorm, learningRate, epoch, tokensPerSecond, mfu, seconds, split, memory, scale } = event;
  const scalars: Scalars = [
    ['train/loss', loss],
    ...(nll === loss ? [] : ([['train/nll', nll]] satisfies Scalars)),
    ['train/grad_norm', gradNorm],
    ['train/learning_rate', learningRate],
    ['train/epoch', epoch],
    ['speed/tokens_per_second', tokensPerSecond],
    ...(mfu === null ? [] : ([['speed/mfu', mfu]] satisfies Scalars)),
    ['time/step', seconds],
    ...under('time', split),
    ...under('memory', memory),
    ...(scale === undefined ? [] : ([['train/loss_scale', scale]] satisfies Scalars)),
    ...under('train', event.metrics ?? {}),
  ];
  return scalars;
}

/** `eval_loss` is `eval/loss`. */
export function evaluationScalars({ metrics }: EvaluationEvent): Scalars {
  return Object.entries(metrics)
    .filter(([name]) => name !== 'epoch')
    .map(([name, value]) => [name.replace(/^eval_/, 'eval/'), value]);
}

const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const under = (group: string, values: object): Scalars =>
  Object.entries(values).map(([name, value]) => [`${group}/${snakeCase(name)}`, value as number]);
