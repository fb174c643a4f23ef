/** The validation text as a language model finds it: block by block, and token by token with a context window. */
import fs from 'node:fs/promises';

import type { PreparedData, TokenBlocks } from '../../data';
import { perplexity, type DelightLanguageModel } from '../../delight';
import { ConfigError } from '../../errors';
import type { Metrics } from '../../metrics';
import { evaluateBlocks } from '../../train';
import { metricsOf } from '../shared/evaluation';
import type { Context } from '../shared/options';
import type { LanguageModelStudyConfig } from './config';

/**
 * The metrics of an evaluation by blocks, and `eval_context_loss` (nats), `eval_context_perplexity`, `eval_context_samples` (tokens): of the whole text
 * in chunks as long as a block, of which the first `contextWindow` tokens were predicted before and are only read again.
 */
export async function scoreText(
  model: DelightLanguageModel,
  data: PreparedData,
  study: LanguageModelStudyConfig,
  { signal, onEvent }: Context,
): Promise<Metrics> {
  const { evalBatchSize: batchSize, precision } = study.train;
  const evaluation = evaluateBlocks(model, data.validation, { batchSize, precision, signal });
  const metrics = await metricsOf(evaluation, { onEvent });
  const ids = await readTokens(data.validation);
  // Without an id that ends texts, the first token stands before the others.
  const { eosTokenId } = data;
  const [startTokenId, text] = eosTokenId === null ? [ids[0] ?? 0, ids.subarray(1)] : [eosTokenId, ids];
  const {
    tokens,
    nats,
    perplexity: withContext,
  } = await perplexity(model, text, {
    startTokenId,
    ...contextOf(study, data),
    batchSize,
    signal,
    onProgress: ({ tokens: batch, totalTokens: batches }) => onEvent?.({ type: 'evaluationBatch', batch, batches }),
  });
  return {
    ...metrics,
    eval_context_loss: nats,
    eval_context_perplexity: withContext,
    eval_context_samples: tokens,
  };
}

/** @throws ConfigError when the window leaves no room for new tokens */
export function contextOf(study: LanguageModelStudyConfig, data: PreparedData): { blockSize: number; context: number } {
  const { blockSize } = data.validation;
  const context = study.contextWindow ?? Math.floor(blockSize / 2);
  if (context < blockSize) return { blockSize, context };
  throw new ConfigError(`contextWindow ${context} must be less than the blocks' ${blockSize} tokens.`);
}

async function readTokens({ file, dtype, tokens }: TokenBlocks): Promise<Uint16Array | Uint32Array> {
  const { buffer, byteOffset } = await fs.readFile(file);
  return dtype === 'uint16' ? new Uint16Array(buffer, byteOffset, tokens) : new Uint32Array(buffer, byteOffset, tokens);
}
