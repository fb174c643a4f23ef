/** Texts that a language model goes on with. */
import type { TextTokenizer } from '../../data';
import { ArgumentError, DataError } from '../../errors';
import type { NativeModule } from '../../nn';
import { dropoutOff, NativeDecoder } from './native-decoder';
import { checkWhole } from './options';
import { resolveSampling, sampleOver, type SamplingOptions } from './sampling';
import { TextStream } from './text-stream';

/** A model that goes on with a text: `DelightLanguageModel`, or any native module that decodes as it does. */
export interface GenerationModel extends NativeModule {
  readonly config: {
    readonly vocabSize: number;
    readonly maxPositionEmbeddings: number;
    readonly padTokenId: number | null;
  };
}

export interface GenerateOptions extends SamplingOptions {
  /** Default: as many as the model has positions for, at most 100. */
  maxNewTokens?: number;
  /** Ends the text; it is yielded too. Default: none does. */
  eosTokenId?: number | null;
  signal?: AbortSignal | undefined;
}

export interface GeneratedToken {
  token: number;
  /** Natural logarithm of its probability by the model itself, whatever the temperature. */
  logProbability: number;
}

/**
 * Goes on with a prompt, a token at a time; `temperature: 0` is greedy. Every step is one job off the JavaScript thread.
 *
 *     for await (const { token } of generate(model, prompt, { temperature: 0.8, topP: 0.95, seed: 1 })) ...
 *
 * @throws DataError for ids outside the vocabulary; ArgumentError for an empty prompt, one that leaves no room in the model's positions, and
 *   options that make no sense; AbortError
 */
export async function* generate(
  model: GenerationModel,
  prompt: readonly number[],
  options: GenerateOptions = {},
): AsyncGenerator<GeneratedToken, void, undefined> {
  const { vocabSize, maxPositionEmbeddings, padTokenId } = model.config;
  const settings = resolveSampling(options);
  checkPrompt(prompt, vocabSize);
  const room = maxPositionEmbeddings - prompt.length;
  const { maxNewTokens = Math.min(100, Math.max(1, room)), eosTokenId = null, signal } = options;
  checkWhole('maxNewTokens', maxNewTokens, 1);
  if (maxNewTokens > room) {
    throw new ArgumentError(
      `the prompt has ${prompt.length} tokens, and the model has ${maxPositionEmbeddings} positions: there is no room for ` +
        `${maxNewTokens} new tokens`,
    );
  }
  using _mode = dropoutOff(model);
  const size = { sentences: 1, width: 1, capacity: prompt.length + maxNewTokens, vocabSize };
  using decoder = await NativeDecoder.open(model, [], size, signal);
  const banned = padTokenId === null ? [] : [padTokenId];
  const task = { sentences: 1, samples: 1, prompt, maxTokens: maxNewTokens, eosTokenId, banned };
  for await (const drawn of sampleOver(decoder, task, settings)) {
    for (const { token, logProbability } of drawn) yield { token, logProbability };
  }
}

/**
 * The same for text, in pieces as they come; the tokenizer's eos ends it unless `eosTokenId` says otherwise.
 * @throws as `generate`
 */
export async function* generateText(
  model: GenerationModel,
  tokenizer: Pick<TextTokenizer, 'encode' | 'decode' | 'eosTokenId'>,
  prompt: string,
  options: GenerateOptions = {},
): AsyncGenerator<string, void, undefined> {
  const { eosTokenId = tokenizer.eosTokenId } = options;
  const stream = new TextStream((ids) => tokenizer.decode(ids));
  for await (const { token } of generate(model, await tokenizer.encode(prompt), { ...options, eosTokenId })) {
    const piece = await stream.push(token);
    if (piece !== '') yield piece;
  }
  const rest = await stream.end();
  if (rest !== '') yield rest;
}

function checkPrompt(prompt: readonly number[], vocabSize: number): void {
  if (prompt.length === 0) throw new ArgumentError('the prompt has no tokens; begin with the token that begins a text');
  const wrong = prompt.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabSize));
  if (wrong !== undefined)
    throw new DataError(`the prompt holds token id ${wrong}; the vocabulary has ids 0 to ${vocabSize - 1}`);
}
