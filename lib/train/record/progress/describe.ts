/** A training's progress in words. */
import type { Metrics } from '../../../metrics';
import type { StepEvent } from '../../events';

/** `loss 2.0129  lr 3.0e-4  12,345 tokens/s  eval loss 2.1034  1 min 20 s left`; the step itself is told elsewhere. */
export function describeStep(event: StepEvent, evaluation: Metrics | undefined): string[] {
  const { loss, learningRate, tokensPerSecond, remaining } = event;
  return [
    `loss ${loss.toFixed(4)}`,
    `lr ${learningRate.toExponential(1)}`,
    `${Math.round(tokensPerSecond).toLocaleString('en-US')} tokens/s`,
    ...(evaluation ? [describeEvaluation(evaluation)] : []),
    ...(remaining === null ? [] : [`${describeDuration(remaining)} left`]),
  ];
}

/** `eval loss 2.1034`. */
export function describeEvaluation(metrics: Metrics): string {
  return `eval loss ${(metrics.eval_loss ?? NaN).toFixed(4)}`;
}

/** `45 s`, `3 min 20 s`, `2 h 10 min`, `3 d 4 h`: two units are enough. */
export function describeDuration(seconds: number): string {
  const units = [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ] as const;
  const whole = Math.round(seconds);
  const first = units.findIndex(([, size]) => whole >= size);
  if (first === -1) return '0 s';
  const [[unit, size], next] = [units[first]!, units[first + 1]];
  const rest = next && Math.floor((whole % size) / next[1]);
  return `${Math.floor(whole / size)} ${unit}${next && rest ? ` ${rest} ${next[0]}` : ''}`;
}
