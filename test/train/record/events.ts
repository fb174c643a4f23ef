/** Events of a training, with numbers that single precision holds. */
import type { EndEvent, EvaluationEvent, StartEvent, StepEvent } from '../../../lib/train';

export function startEvent(given: Partial<StartEvent> = {}): StartEvent {
  const config = { seed: 42 } as StartEvent['config'];
  return { type: 'start', step: 0, totalSteps: 10, config, parameters: 123, resumedFrom: null, ...given };
}

export function stepEvent(given: Partial<StepEvent> = {}): StepEvent {
  const { step = 1 } = given;
  return {
    type: 'step',
    step,
    totalSteps: 10,
    epoch: step / 4,
    loss: 2.5,
    nll: given.loss ?? 2.5,
    gradNorm: 1,
    learningRate: 1e-3,
    samples: 8,
    tokens: 64,
    targets: 56,
    seconds: 0.1,
    elapsed: step / 8,
    split: { data: 0, forward: 0.03125, backward: 0.0625, optimizer: 0.00390625 },
    tokensPerSecond: 640,
    mfu: null,
    memory: { resident: 2 ** 20, peak: 2 ** 21 },
    remaining: 90,
    ...given,
  };
}

export function evaluationEvent(given: Partial<EvaluationEvent> = {}): EvaluationEvent {
  return { type: 'evaluation', step: 1, metrics: { eval_loss: 2 }, best: true, ...given };
}

export function endEvent(given: Partial<EndEvent> = {}): EndEvent {
  const ended = { reason: 'steps', error: null, metrics: {}, best: null, targets: 0 } as const;
  return { type: 'end', step: 10, ...ended, recent: [], ...given };
}
