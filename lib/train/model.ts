/** What a model must be to be trained on blocks of tokens. */
import type { TokenBlocks } from '../data';
import { ArgumentError, DataError } from '../errors';
import { native } from '../native';
import { NativeModule } from '../nn';
import { NativeObject, withSignal } from '../tensor';

/** A native module that predicts the next token: its native methods include `loss` and `evaluate`. */
export interface LanguageModel extends NativeModule {
  /** Token ids it knows: 0 ... vocabSize - 1. */
  readonly vocabSize: number;
  /** Parameters outside the embedding: what the 6 * tokens * parameters rule of `total_flos` counts. */
  readonly nonEmbeddingParameters: number;
}

/** @throws ArgumentError for modules written in TypeScript, whose steps cannot run as one native job. */
export function assertTrainable(model: LanguageModel): void {
  if (model instanceof NativeModule) return;
  throw new ArgumentError(
    'The Trainer runs each step as one native job and takes native models, such as ResidualLlama. ' +
      'Train a module written in TypeScript with your own loop: loss.backward(), optimizer.step().',
  );
}

export function deviceOf(model: LanguageModel): string {
  for (const parameter of model.parameters()) return parameter.device;
  throw new ArgumentError('The model has no parameters.');
}

/** The largest id of files already read: an evaluation every few steps must not read the corpus again. */
const largestIds = new WeakMap<TokenBlocks, number>();

/** @throws DataError when a token id of the file is one the model does not know, which on a GPU would end the process. */
export async function checkVocabulary(model: LanguageModel, blocks: TokenBlocks, signal?: AbortSignal): Promise<void> {
  let largest = largestIds.get(blocks);
  if (largest === undefined) {
    using tokens = new NativeObject(native.tokensOpen(blocks.file, blocks.dtype).id, 'token file');
    largest = await withSignal(signal, (token) => native.tokensMaximum(token, tokens.id));
    largestIds.set(blocks, largest);
  }
  if (largest < model.vocabSize) return;
  throw new DataError(
    `${blocks.file} holds token id ${largest}, but the model's vocabulary has ${model.vocabSize} entries (ids up to ` +
      `${model.vocabSize - 1}). Give the model a vocabSize of at least ${largest + 1}, or prepare the text with the model's own tokenizer.`,
  );
}
