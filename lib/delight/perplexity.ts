/** Perplexity of a language model with a context window, as fairseq's evaluation has it. */
import { ArgumentError, DataError } from '../errors';
import { checkWhole, dropoutOff } from '../generation';
import { noGrad, tensor } from '../tensor';
import type { DelightLanguageModel } from './language-model';

export interface PerplexityOptions {
  /** What stands before the text, seen but not predicted: the id that ends a text, as a rule. */
  startTokenId: number;
  /** Tokens that the model sees at once. Default: as many as it has positions for. */
  blockSize?: number;
  /** Of those, tokens before the new ones, seen again and not counted: with more of them each token is predicted from more. Default 0. */
  context?: number;
  /** Blocks at once. Default 2. */
  batchSize?: number;
  signal?: AbortSignal | undefined;
  /** Called after each batch. */
  onProgress?: ((progress: { tokens: number; totalTokens: number }) => void) | undefined;
}

export interface Perplexity {
  /** Tokens that were predicted: each of the text once, without padding. */
  tokens: number;
  /** Mean cross-entropy of a token, by the natural and the binary logarithm. */
  nats: number;
  bits: number;
  /** `exp(nats)`, which is `2 ** bits`. */
  perplexity: number;
}

/** New tokens `begin` to before `end` of a text, predicted from `first` on. */
interface Chunk {
  first: number;
  begin: number;
  end: number;
}

/**
 * Cuts a text in chunks of `blockSize - context` new tokens, each read after up to `context` tokens before it, and takes the mean over all.
 *
 * @param tokens ids of the whole text, ends of sentences included
 * @throws ArgumentError for sizes that leave no new tokens or exceed the model's positions; DataError for ids outside the vocabulary and
 *   for a text without tokens; AbortError
 */
export async function perplexity(
  model: DelightLanguageModel,
  tokens: ArrayLike<number>,
  options: PerplexityOptions,
): Promise<Perplexity> {
  const { vocabSize, maxPositionEmbeddings, padTokenId } = model.config;
  const { startTokenId, blockSize = maxPositionEmbeddings, context = 0, batchSize = 2, signal, onProgress } = options;
  checkWhole('batchSize', batchSize, 1);
  checkBlock({ blockSize, context, positions: maxPositionEmbeddings });
  // Each input predicts the token after it, so the text is read one place late.
  const read = new Int32Array(tokens.length + 1);
  read[0] = startTokenId;
  read.set(tokens, 1);
  checkIds(read, vocabSize);

  using _mode = dropoutOff(model);
  const sums = { nats: 0, counted: 0, seen: 0 };
  for (const batch of batches(chunksOf(tokens.length, blockSize - context, context), batchSize)) {
    const shape = [batch.length, batch[0]!.end - batch[0]!.first];
    const rows = (shift: number) =>
      tensor(Int32Array.from(batch.flatMap(({ first, end }) => [...read.subarray(first + shift, end + shift)])), {
        shape,
        dtype: 'int64',
        device: model.device,
      });
    using ids = rows(0);
    using targets = rows(1);
    const [result] = await noGrad(() => model.run('tokenLosses', [ids, targets], { signal }));
    using losses = result!;
    const values = (await losses.data()) as Float32Array;
    batch.forEach(({ first, begin, end }, row) => {
      for (let place = begin; place < end; place++) {
        if (read[place + 1] === padTokenId) continue;
        sums.nats += values[row * shape[1]! + place - first]!;
        sums.counted++;
      }
      sums.seen += end - begin;
    });
    onProgress?.({ tokens: sums.seen, totalTokens: tokens.length });
  }
  if (sums.counted === 0) throw new DataError('there are no tokens to predict');
  const nats = sums.nats / sums.counted;
  return { tokens: sums.counted, nats, bits: nats / Math.LN2, perplexity: Math.exp(nats) };
}

function* chunksOf(tokens: number, size: number, context: number): Generator<Chunk> {
  for (let begin = 0; begin < tokens; begin += size)
    yield { first: Math.max(0, begin - context), begin, end: Math.min(begin + size, tokens) };
}

/** Neighbouring chunks of one length: only the first and the last ones of a text are shorter. */
function* batches(chunks: Iterable<Chunk>, batchSize: number): Generator<Chunk[]> {
  const length = ({ first, end }: Chunk) => end - first;
  let batch: Chunk[] = [];
  for (const chunk of chunks) {
    if (batch.length > 0 && (batch.length === batchSize || length(batch[0]!) !== length(chunk))) {
      yield batch;
      batch = [];
    }
    batch.push(chunk);
  }
  if (batch.length > 0) yield batch;
}

function checkBlock({
  blockSize,
  context,
  positions,
}: {
  blockSize: number;
  context: number;
  positions: number;
}): void {
  checkWhole('blockSize', blockSize, 1);
  checkWhole('context', context, 0);
  if (blockSize > positions)
    throw new ArgumentError(`blockSize is ${blockSize}, but the model has ${positions} positions`);
  if (context >= blockSize)
    throw new ArgumentError(
      `context is ${context}; it must be less than blockSize, ${blockSize}, to leave room for new tokens`,
    );
}

function checkIds(ids: Int32Array, vocabSize: number): void {
  const wrong = ids.findIndex((id) => id < 0 || id >= vocabSize);
  if (wrong < 0) return;
  const which = wrong === 0 ? 'startTokenId' : `token ${wrong - 1} of the text`;
  throw new DataError(`${which} is ${ids[wrong]}; the vocabulary has ids 0 to ${vocabSize - 1}`);
}
