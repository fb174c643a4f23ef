/** Loss, accuracy and perplexity of a model on blocks of tokens, by run_clm's conventions. */
import type { TokenBlocks } from '../data';
import { evaluationMetrics, type Metrics } from '../metrics';
import { native, type NativeEvaluation } from '../native';
import { withSignal } from '../tensor';
import { openBatches } from './batches';
import { autocastOf, type Precision } from './config';
import { checkVocabulary, deviceOf, type LanguageModel } from './model';

export interface EvaluateOptions {
  batchSize: number;
  precision: Precision;
  /** Goes into the metrics as `epoch`. */
  epoch?: number;
  signal?: AbortSignal | undefined;
}

/** One batch of an evaluation is done. */
export interface EvaluationBatchEvent {
  type: 'evaluationBatch';
  batch: number;
  batches: number;
}

/**
 * Evaluates without gradients, a job for each batch; yields as each ends and returns `eval_loss`, `eval_accuracy`,
 * `eval_perplexity`, `eval_samples`, `eval_runtime` (s), `eval_samples_per_second`, `eval_steps_per_second`.
 *
 * @throws AbortError when the signal is raised; DataError when ids exceed the model's vocabulary.
 */
export async function* evaluateBlocks(
  model: LanguageModel,
  blocks: TokenBlocks,
  { batchSize, precision, epoch, signal }: EvaluateOptions,
): AsyncGenerator<EvaluationBatchEvent, Metrics, undefined> {
  await checkVocabulary(model, blocks, signal);
  using batches = openBatches(blocks, { batchSize, seed: null, device: deviceOf(model) });
  const count = Math.ceil(blocks.offsets.length / batchSize);
  const results: NativeEvaluation[] = [];
  const wasTraining = model.training;
  model.eval();
  try {
    const start = performance.now();
    for (let batch = 1; batch <= count; batch++) {
      results.push(
        await withSignal(signal, (token) => native.evaluateBatch(token, model.id, batches.id, autocastOf(precision))),
      );
      yield { type: 'evaluationBatch', batch, batches: count };
    }
    return evaluationMetrics(results, (performance.now() - start) / 1000, epoch === undefined ? {} : { epoch });
  } finally {
    model.train(wasTraining);
  }
}
