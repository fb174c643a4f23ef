/** Loss, accuracy and perplexity of a model on blocks of tokens, by run_clm's conventions, or on sentence pairs. */
import { tokenBatches, type TokenBlocks, type TokenPairs } from '../data';
import { evaluationMetrics, type Metrics } from '../metrics';
import { native, type NativeEvaluation } from '../native';
import type { NativeModule } from '../nn';
import { withSignal, type NativeObject } from '../tensor';
import { openBatches, openPairBatches, queueBatches } from './batches';
import { autocastOf, type Precision } from './config';
import { checkPairs, checkVocabulary, type LanguageModel, type TranslationModel } from './model';

interface CommonOptions {
  precision: Precision;
  /** Goes into the metrics as `epoch`. */
  epoch?: number;
  signal?: AbortSignal | undefined;
}

export interface EvaluateOptions extends CommonOptions {
  batchSize: number;
}

export interface EvaluatePairsOptions extends CommonOptions {
  /** Most tokens in a batch, padding and end marks counted, on the longer side. */
  maxTokens: number;
  /** Most pairs in a batch. Default: any number. */
  maxSentences?: number;
}

/** One batch of an evaluation is done. */
export interface EvaluationBatchEvent {
  type: 'evaluationBatch';
  batch: number;
  /** Null where their number is not known before. */
  batches: number | null;
}

type Evaluation = AsyncGenerator<EvaluationBatchEvent, Metrics, undefined>;

/**
 * Evaluates without gradients, a job for each batch; yields as each ends and returns `eval_loss` (a mean over all predicted tokens, in
 * nats), `eval_accuracy`, `eval_perplexity`, `eval_samples`, `eval_runtime` (s), `eval_samples_per_second`, `eval_steps_per_second`.
 *
 * @throws AbortError when the signal is raised; DataError when ids exceed the model's vocabulary.
 */
export async function* evaluateBlocks(model: LanguageModel, blocks: TokenBlocks, options: EvaluateOptions): Evaluation {
  await checkVocabulary(blocks, { name: 'vocabSize', size: model.vocabSize }, options.signal);
  const { batchSize } = options;
  using batches = openBatches(blocks, { batchSize, seed: null, device: model.device });
  return yield* evaluate(model, batches, Math.ceil(blocks.offsets.length / batchSize), options);
}

/**
 * The same for sentence pairs, in batches of similar length. `eval_loss` is the plain cross-entropy, without label smoothing, and
 * `eval_base2_loss` the same in bits.
 *
 * @throws AbortError, DataError: also when a pair is longer than `maxTokens`
 */
export async function* evaluatePairs(
  model: TranslationModel,
  pairs: TokenPairs,
  { maxTokens, maxSentences, ...options }: EvaluatePairsOptions,
): Evaluation {
  await checkPairs(model, pairs, options.signal);
  const planned = tokenBatches(pairs, { maxTokens, ...(maxSentences !== undefined && { maxSentences }) });
  using batches = openPairBatches(pairs, model.config, model.device);
  queueBatches(batches, planned, Int32Array.from(planned.ends.keys()));
  const metrics = yield* evaluate(model, batches, planned.ends.length, options);
  return { ...metrics, eval_base2_loss: metrics.eval_loss! / Math.LN2 };
}

async function* evaluate(
  model: NativeModule,
  batches: NativeObject,
  count: number,
  { precision, epoch, signal }: CommonOptions,
): Evaluation {
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
