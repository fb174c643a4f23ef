/** From what the batches gave to the metrics of a report, by the conventions of Hugging Face's Trainer and run_clm. */
import { ArgumentError } from '../errors';
import type { Metrics } from './format';
import { roundHalfEven } from './python';

/** What one evaluation batch gave. */
export interface EvaluationBatch {
  /** Mean cross-entropy over the batch's predictions, in nats. */
  loss: number;
  /** Predictions that equal their label. */
  correct: number;
  predicted: number;
  /** Blocks or sentence pairs in the batch. */
  samples: number;
}

export interface EvaluationOptions {
  /** Epoch of the trainer's state, 5 at the end of the fifth; left out of the metrics when absent. */
  epoch?: number;
  /** `perplexity` is the name stock run_clm uses. Default `eval_perplexity`. */
  perplexityKey?: 'eval_perplexity' | 'perplexity';
}

/**
 * Metrics of a whole evaluation: loss and accuracy are means over all predictions, the perplexity is exp(loss) in double precision
 * (Infinity on overflow).
 * @param runtimeSeconds wall time of the whole evaluation
 * @throws ArgumentError when there is no sample or prediction
 */
export function evaluationMetrics(
  batches: readonly EvaluationBatch[],
  runtimeSeconds: number,
  options: EvaluationOptions = {},
): Metrics {
  const sum = (part: (batch: EvaluationBatch) => number) => batches.reduce((total, batch) => total + part(batch), 0);
  const samples = sum((batch) => batch.samples);
  const predicted = sum((batch) => batch.predicted);
  if (!(samples > 0 && predicted > 0))
    throw new ArgumentError('an evaluation needs at least one sample with one prediction');
  const loss = meanLoss(batches);
  return {
    ...(options.epoch === undefined ? {} : { epoch: options.epoch }),
    eval_accuracy: sum((batch) => batch.correct) / predicted,
    eval_loss: loss,
    [options.perplexityKey ?? 'eval_perplexity']: Math.exp(loss),
    eval_samples: samples,
    ...speedMetrics('eval', runtimeSeconds, samples, batches.length),
  };
}

/**
 * The mean over all predictions. Where each sample has as many as every other, weighing by samples is the same, and is what
 * Hugging Face's Trainer does, to the last bit.
 */
function meanLoss(batches: readonly EvaluationBatch[]): number {
  const [first] = batches;
  const even = batches.every(({ samples, predicted }) => predicted * first!.samples === samples * first!.predicted);
  const weight = (batch: EvaluationBatch) => (even ? batch.samples : batch.predicted);
  const total = batches.reduce((sum, batch) => sum + weight(batch), 0);
  return batches.reduce((sum, batch) => sum + batch.loss * weight(batch), 0) / total;
}

/** What a whole training gave. */
export interface TrainingSummary {
  epoch: number;
  /** 6 x tokens seen x parameters outside embeddings. */
  totalFlos: number;
  /** Mean loss over all steps. */
  loss: number;
  /** Wall seconds. */
  runtimeSeconds: number;
  /** Blocks in the training data, counted once. */
  trainSamples: number;
  /** Blocks consumed, over all epochs. */
  samplesSeen: number;
  /** Updates made. */
  steps: number;
}

/** Metrics of a whole training. */
export function trainingMetrics(summary: TrainingSummary): Metrics {
  return {
    epoch: summary.epoch,
    total_flos: summary.totalFlos,
    train_loss: summary.loss,
    train_samples: summary.trainSamples,
    ...speedMetrics('train', summary.runtimeSeconds, summary.samplesSeen, summary.steps),
  };
}

/** Runtime to 4 decimals; rates from the unrounded runtime to 3. A runtime of 0 gives no rate. */
function speedMetrics(split: 'train' | 'eval', runtimeSeconds: number, samples: number, steps: number): Metrics {
  if (!(runtimeSeconds >= 0 && Number.isFinite(runtimeSeconds))) {
    throw new ArgumentError(`a runtime must be a finite number of seconds, not ${runtimeSeconds}`);
  }
  const runtime = { [`${split}_runtime`]: roundHalfEven(runtimeSeconds, 4) };
  if (runtimeSeconds === 0) return runtime;
  return {
    ...runtime,
    [`${split}_samples_per_second`]: roundHalfEven(samples / runtimeSeconds, 3),
    [`${split}_steps_per_second`]: roundHalfEven(steps / runtimeSeconds, 3),
  };
}
