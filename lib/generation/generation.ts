/** Texts that a language model goes on with. */
import type { TextTokenizer } from '../data';
import { ArgumentError } from '../errors';
import type { NativeModule } from '../nn';
import { tensor } from '../tensor';
import { dropoutOff, NativeDecoder } from './native-decoder';
import { checkOptions, checkWhole } from './options';
import { promptsOf, readPrompt, type Prompt } from './prompts';
import { resolveSampling, Sampler, samplingNames, type SampledToken, type SamplingOptions } from './sampling';
import { StopStrings } from './stop-strings';
import { TextStream } from './text-stream';

/** A model that goes on with a text. */
export interface GenerationModel extends NativeModule {
  readonly vocabSize: number;
  readonly tokenizer: TextTokenizer | null;
}

/** What generating knows of a model besides. */
export interface GenerationTraits {
  /** Most tokens of a text, prompt included. */
  maxPositions: number;
  /** Begins a text without a prompt. */
  bosTokenId: number | null;
  /** Each of them ends a text. */
  eosTokenId: number | readonly number[] | null;
  /** Never come out. */
  banned: readonly number[];
}

export interface GenerateOptions extends SamplingOptions {
  /** Tokens of each text, at most; the eos counts. Default 100, or as many as the model has positions for. */
  maxNewTokens?: number;
  /** A text ends before any of these, wherever it comes among the tokens. Needs a tokenizer. */
  stop?: string | readonly string[];
  /** A token, or several, that end a text; null for none. Default: the model's. */
  eosTokenId?: number | readonly number[] | null;
  signal?: AbortSignal | undefined;
}

const optionNames: Record<keyof GenerateOptions, true> = {
  maxNewTokens: true,
  ...samplingNames,
  stop: true,
  eosTokenId: true,
  signal: true,
};

/** What one token adds to a text. */
export interface GeneratedPiece {
  /** Which prompt's text it belongs to; 0 where there is one prompt. */
  index: number;
  token: number;
  /**
   * Of special tokens, of an eos, and without a tokenizer, empty. It may come a few tokens late: once a character is whole, and once it cannot
   * be the beginning of a stop string. All the pieces of a text, put together, are the text.
   */
  text: string;
  /** Natural logarithm of the token's probability by the model itself, whatever the rules by which it was drawn. */
  logProbability: number;
  /** Of a text's last piece: an eos came, a stop string came, or `maxNewTokens` are there. */
  finishReason?: 'eos' | 'stop' | 'length';
}

/** Room is made at first for so many new tokens at most; it grows where more come. */
const roomAtFirst = 1024;
/** So many of a prompt's last tokens decide how the text after it begins: whether with a blank, say. */
const tokensBefore = 8;

/**
 * Goes on with one prompt or with several at once, a token each in every step; a step is one job off the JavaScript thread. Models call this as
 * their `generate`. Leaving the loop frees all memory at once, and so does the signal.
 *
 * @throws ArgumentError for a prompt without tokens or that leaves no room in the model's positions, texts without a tokenizer, and options that
 *   make no sense; DataError for ids outside the vocabulary; NonFiniteError; AbortError
 */
export async function* generate(
  model: GenerationModel,
  prompt: Prompt | readonly Prompt[],
  options: GenerateOptions,
  traits: GenerationTraits,
): AsyncGenerator<GeneratedPiece, void, undefined> {
  checkOptions(options, optionNames, 'generate');
  const { signal } = options;
  if (signal !== undefined && typeof signal?.addEventListener !== 'function')
    throw new ArgumentError('signal must be an AbortSignal');
  const { vocabSize, tokenizer } = model;
  const settings = resolveSampling(options);
  const stop = stopStrings(options.stop, tokenizer);
  const given = promptsOf(prompt);
  const { bosTokenId, banned } = traits;
  const prompts = await Promise.all(
    given.map((item, index) =>
      readPrompt(item, given.length === 1 ? 'the prompt' : `prompt ${index}`, { tokenizer, vocabSize, bosTokenId }),
    ),
  );
  const longest = Math.max(...prompts.map(({ length }) => length));
  const maxTokens = newTokens(options.maxNewTokens, longest, traits.maxPositions);
  const eosTokenIds = endTokens(options.eosTokenId, vocabSize) ?? [traits.eosTokenId].flat();

  using _mode = dropoutOff(model);
  const size = { sentences: prompts.length, width: 1, capacity: longest + Math.min(maxTokens, roomAtFirst), vocabSize };
  const padding = prompts.map(({ length }) => longest - length);
  using starts = tensor(padding, { dtype: 'int64' });
  using decoder = await NativeDecoder.open(model, padding.some(Boolean) ? [starts] : [], size, signal);
  const task = { prompts, samples: 1, maxTokens, eosTokenIds: eosTokenIds.filter((id) => id !== null), banned };
  const sampler = new Sampler(decoder, task, settings);
  const texts = prompts.map((ids) => new Text(tokenizer, ids, stop));
  for (;;) {
    const drawn = await sampler.next();
    if (drawn.length === 0) return;
    const pieces = await Promise.all(drawn.map((token) => texts[token.sentence]!.piece(token)));
    for (const piece of pieces) {
      if (piece.finishReason === 'stop') sampler.end(piece.index);
      yield piece;
    }
  }
}

/** One prompt's text. */
class Text {
  readonly #stream: TextStream | null;
  readonly #stop: StopStrings;

  constructor(tokenizer: TextTokenizer | null, prompt: readonly number[], stop: readonly string[]) {
    // A model's table may have rows that its tokenizer knows nothing of.
    const known = (ids: readonly number[]) => ids.filter((id) => id < tokenizer!.vocabSize);
    this.#stream = tokenizer && new TextStream((ids) => tokenizer.decode(known(ids)), prompt.slice(-tokensBefore));
    this.#stop = new StopStrings(stop);
  }

  async piece({ sentence: index, token, logProbability, finishReason: reason }: SampledToken): Promise<GeneratedPiece> {
    const added = reason === 'eos' ? '' : ((await this.#stream?.push(token)) ?? '');
    const rest = reason === undefined ? '' : ((await this.#stream?.end()) ?? '');
    const { text, stopped } = this.#stop.push(added + rest);
    if (stopped) return { index, token, text, logProbability, finishReason: 'stop' };
    if (reason === undefined) return { index, token, text, logProbability };
    return { index, token, text: text + this.#stop.end(), logProbability, finishReason: reason };
  }
}

function stopStrings(stop: string | readonly string[] | undefined, tokenizer: TextTokenizer | null): string[] {
  const strings = stop === undefined ? [] : [stop].flat();
  if (strings.some((string) => typeof string !== 'string' || string === ''))
    throw new ArgumentError('stop must be a string or several, none of them empty');
  if (strings.length > 0 && tokenizer === null)
    throw new ArgumentError('stop strings need a tokenizer, and the model has none: see model.tokenizer');
  return strings;
}

/** The tokens that end a text, where the caller says which. */
function endTokens(given: GenerateOptions['eosTokenId'], vocabSize: number): (number | null)[] | undefined {
  if (given === undefined) return undefined;
  const ids = [given].flat();
  const wrong = given === null ? undefined : ids.find((id) => !(Number.isInteger(id) && id! >= 0 && id! < vocabSize));
  if (wrong === undefined) return ids;
  throw new ArgumentError(`eosTokenId is ${String(wrong)}; it must be an id of the vocabulary, 0 to ${vocabSize - 1}`);
}

function newTokens(wanted: number | undefined, prompt: number, positions: number): number {
  const room = positions - prompt;
  const tokens = wanted ?? Math.min(100, Math.max(1, room));
  checkWhole('maxNewTokens', tokens, 1);
  if (tokens <= room) return tokens;
  throw new ArgumentError(
    `the prompt has ${prompt} tokens, and the model has ${positions} positions: there is no room for ${tokens} new tokens`,
  );
}
