/** What a model must be to be trained. */
import type { TokenPairs, TokenSentences } from '../data';
import { ArgumentError, DataError } from '../errors';
import { native } from '../native';
import { NativeModule, type TranslationModel as TranslatingModel } from '../nn';
import { NativeObject, withSignal } from '../tensor';

/** A native module that can be trained: its native methods include `loss` and `evaluate`. */
interface TrainableModel extends NativeModule {
  /** Parameters outside the embedding: what `total_flos` counts. */
  readonly nonEmbeddingParameters: number;
}

/** Predicts the next token. */
export interface LanguageModel extends TrainableModel {
  /** Token ids it knows: 0 ... vocabSize - 1. */
  readonly vocabSize: number;
  /** Floating-point operations of training on a sequence of so many tokens, forward and backward, a multiply-add as two. */
  trainingFlops?(time: number): number;
}

/** Predicts the tokens of a target from those of a source. */
export type TranslationModel = TrainableModel &
  TranslatingModel & {
    /** Floating-point operations of training on a pair of such lengths, forward and backward, a multiply-add as two. */
    trainingFlops?(lengths: { source: number; target: number }): number;
  };

/** @throws ArgumentError for modules written in TypeScript, whose steps cannot run as one native job. */
export function assertTrainable(model: LanguageModel | TranslationModel): void {
  if (model instanceof NativeModule) return;
  throw new ArgumentError(
    'Without a loss, a Trainer takes native models, such as ResidualLlama, which have one of their own. ' +
      'Give yours: new Trainer(net, { data: { train: batches }, loss: (net, batch) => ... }).',
  );
}

/** A file of token ids. */
interface TokenFile {
  file: string;
  dtype: 'uint16' | 'uint32';
}

/** The largest id of files already read: an evaluation every few steps must not read the corpus again. */
const largestIds = new WeakMap<TokenFile, number>();

/** @throws DataError when a token id of the file is one the model does not know, which on a GPU would end the process. */
export async function checkVocabulary(
  tokens: TokenFile,
  vocabulary: { name: string; size: number },
  signal?: AbortSignal,
): Promise<void> {
  let largest = largestIds.get(tokens);
  if (largest === undefined) {
    using opened = new NativeObject(native.tokensOpen(tokens.file, tokens.dtype).id, 'token file');
    largest = await withSignal(signal, (token) => native.tokensMaximum(token, opened.id));
    largestIds.set(tokens, largest);
  }
  const { name, size } = vocabulary;
  if (largest < size) return;
  throw new DataError(
    `${tokens.file} holds token id ${largest}, but the model's vocabulary has ${size} entries (ids up to ${size - 1}). ` +
      `Give the model a ${name} of at least ${largest + 1}, or prepare the text with the model's own tokenizer.`,
  );
}

/** @throws DataError when pairs hold ids that the model does not know, or sentences longer than it takes */
export async function checkPairs(
  { config }: TranslationModel,
  { source, target }: TokenPairs,
  signal?: AbortSignal,
): Promise<void> {
  checkLengths(source, { name: 'maxSourcePositions', size: config.maxSourcePositions });
  checkLengths(target, { name: 'maxTargetPositions', size: config.maxTargetPositions });
  await checkVocabulary(source, { name: 'sourceVocabSize', size: config.sourceVocabSize }, signal);
  await checkVocabulary(target, { name: 'targetVocabSize', size: config.targetVocabSize }, signal);
}

function checkLengths({ file, offsets }: TokenSentences, { name, size }: { name: string; size: number }): void {
  for (let sentence = 0; sentence + 1 < offsets.length; sentence++) {
    const length = offsets[sentence + 1]! - offsets[sentence]! + 1;
    if (length <= size) continue;
    throw new DataError(
      `${file}: sentence ${sentence} has ${length} tokens with its end mark, but the model's ${name} is ${size}. ` +
        `Lower data.maxLength, or raise ${name}.`,
    );
  }
}
