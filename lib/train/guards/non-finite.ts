/** Stops a training whose numbers are no longer numbers, before they reach the weights. */
import { NonFiniteError } from '../../errors';
import type { Metrics } from '../../metrics';
import type { StepResult } from '../steps/step';

/** Below this loss scale it is not float16's range that gradients leave. fairseq stops at the same. */
const smallestScale = 1e-4;

/** Whether the step was left out, as float16 training does where its loss scale has become too large: it lowers it and goes on. */
export function isLeftOut({ nonFinite, scale }: StepResult): boolean {
  return nonFinite?.what === 'gradient' && scale !== undefined && scale >= smallestScale;
}

/** @throws NonFiniteError that says what was not finite, where, and what helps; the weights are those of the step before */
export function refuseNonFinite(step: number, result: StepResult, learningRate: number): void {
  const { nonFinite, loss, gradNorm, scale } = result;
  if (nonFinite === null || isLeftOut(result)) return;
  const { what, where } = nonFinite;
  const figures = `loss ${loss}, gradient norm ${gradNorm}, learning rate ${Number(learningRate.toPrecision(4))}${scale === undefined ? '' : `, loss scale ${scale}`}`;
  throw new NonFiniteError(
    `Training stopped at step ${step}, before its update: ${explain(what, where)} (${figures}.) ${advice[what]}`,
  );
}

function explain(what: NonNullable<StepResult['nonFinite']>['what'], where: string | null): string {
  switch (what) {
    case 'data':
      return `the batch holds numbers that are not finite, in ${where}.`;
    case 'weight':
      return `the parameter ${where} holds numbers that are not finite, from before this step.`;
    case 'loss':
      return where === null
        ? 'the loss is not finite.'
        : `the loss is not finite; of the gradients, that of ${where} is the first that is not.`;
    case 'gradient':
      return where === null
        ? 'the gradients, each of them finite, are together too large for their norm to be a number.'
        : `the loss is finite, but gradients are not: that of ${where} is the first.`;
  }
}

const unspoilt = 'The weights were left as the step before made them.';
const slower = `${unspoilt} Lower train.learningRate, warm up longer, or clip with train.maxGradNorm.`;
const advice = {
  data: `${unspoilt} Clean the data, or leave such samples out.`,
  weight: 'Go back to weights from before: a checkpoint, or the file they were read from.',
  loss: slower,
  gradient: slower,
};

/** What is to be told of an evaluation whose loss is not finite; null where it is. */
export function nonFiniteEvaluation({ eval_loss: loss }: Metrics): string | null {
  if (loss === undefined || Number.isFinite(loss)) return null;
  return `The evaluation gave a loss of ${loss}: the weights or the validation data hold numbers that are not finite.`;
}
