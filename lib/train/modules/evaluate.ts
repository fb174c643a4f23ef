/** Evaluates a module with its own loss, and with metrics of one's own. */
import { roundHalfEven, type Metrics } from '../../metrics';
import type { Module } from '../../nn';
import { noGrad, scope } from '../../tensor';
import { AbortError, ArgumentError, DataError } from '../../errors';
import type { EvaluationBatchEvent } from '../evaluate';
import type { Batches } from './batches';
import { figuresOf, lossOf, meanFigures, type LossFigures, type LossFunction } from './loss';
import { inPrecision, turn } from '../steps/module-step';

/** Computes metrics of a model on all validation batches, such as F1 or BLEU: in evaluation mode, without gradients. */
export type MetricsFunction<Net extends Module, Batch> = (
  net: Net,
  validation: Batches<Batch>,
  options: { signal: AbortSignal | undefined },
) => Metrics | Promise<Metrics>;

export interface EvaluateModuleOptions<Net extends Module, Batch> {
  loss: LossFunction<Net, Batch>;
  metrics?: MetricsFunction<Net, Batch> | undefined;
  precision: 'bfloat16' | 'float16' | null;
  /** Goes into the metrics as `epoch`. */
  epoch?: number | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Yields as each batch ends and returns `eval_loss` and the loss function's metrics as `eval_...` (means over all targets), `eval_samples`,
 * `eval_runtime` (s), `eval_samples_per_second`, `eval_steps_per_second`, and what `metrics` gives, also as `eval_...`.
 */
export async function* evaluateModule<Net extends Module, Batch>(
  net: Net,
  batches: Batches<Batch>,
  { loss: compute, metrics: measure, precision, epoch, signal }: EvaluateModuleOptions<Net, Batch>,
): AsyncGenerator<EvaluationBatchEvent, Metrics, undefined> {
  const parts: LossFigures[] = [];
  const wasTraining = net.training;
  net.eval();
  try {
    const start = performance.now();
    for await (const batch of batches) {
      throwIfAborted(signal);
      const evaluated = () =>
        scope(() =>
          noGrad(async () => figuresOf(await inPrecision(net, precision, () => lossOf(net, batch, compute)))),
        );
      parts.push(await evaluated());
      await turn();
      yield { type: 'evaluationBatch', batch: parts.length, batches: batches.length ?? null };
    }
    const seconds = (performance.now() - start) / 1000;
    if (parts.length === 0) throw new DataError('data.validation gave no batch to evaluate on.');
    const { loss, targets, samples, metrics } = meanFigures(parts);
    if (targets === 0) throw new DataError('data.validation holds nothing to predict: its batches have no targets.');
    const own = measure ? await scope(() => noGrad(async () => measure(net, batches, { signal }))) : {};
    return {
      ...(epoch !== undefined && { epoch }),
      eval_loss: loss,
      ...prefixed(metrics),
      eval_samples: samples,
      eval_runtime: roundHalfEven(seconds, 4),
      eval_samples_per_second: roundHalfEven(samples / seconds, 3),
      eval_steps_per_second: roundHalfEven(parts.length / seconds, 3),
      ...prefixed(own),
    };
  } finally {
    net.train(wasTraining);
  }
}

function prefixed(metrics: Metrics): Metrics {
  const entries = Object.entries(metrics).map(([name, value]: [string, unknown]) => {
    if (typeof value !== 'number')
      throw new ArgumentError(`The metric ${name} must be a number, not ${String(value)}.`);
    return [name.startsWith('eval_') ? name : `eval_${name}`, value];
  });
  return Object.fromEntries(entries) as Metrics;
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new AbortError('The evaluation was broken off by its AbortSignal.', { cause: signal.reason });
}
