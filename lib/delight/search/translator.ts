/** Text in one language to text in another: a model with its tokenizers. */
import { checkArgument } from '../../arguments';
import { loadPairTokenizers, PairTokenizer, type PairTokenizers } from '../../data';
import { AbortError, ArgumentError, DataError } from '../../errors';
import { checkWhole, resolveSampling, TextStream, type SamplingOptions } from '../../generation';
import type { NativeModuleOptions, TranslationModel } from '../../nn';
import { DelightTransformer } from '../transformer';
import type { BeamOptions } from './beam';
import type { Hypothesis } from './hypothesis';
import type { LengthOptions } from './sources';
import { beamSearch, sampledHypotheses, sampleTranslations } from './translation';
import { batchesByLength, windows } from './window';

export interface TranslateOptions extends BeamOptions, LengthOptions {
  /** Translations given of each text. Default 1; a beam search gives at most `beams`. */
  nBest?: number;
  /** Draws the translations instead of searching the likeliest. */
  sampling?: SamplingOptions | undefined;
  /** Source tokens of a batch, padding included. Default 2048. */
  batchTokens?: number;
  /** Texts of a batch, at most. Default 32. */
  batchSentences?: number;
  /** Texts that are read before any is translated, so that those of like length go together: more is faster. Default 1024. */
  window?: number;
  /** What becomes of a text with more tokens than the model reads: an error, no translation, or that of its beginning. Default `error`. */
  tooLong?: 'error' | 'skip' | 'cut';
  signal?: AbortSignal | undefined;
  /** Called after each batch. */
  onProgress?: ((progress: TranslationProgress) => void) | undefined;
}

export interface TranslationProgress {
  /** Texts done. */
  texts: number;
  /** Of those, too long ones that were left out or cut. */
  tooLong: number;
  /** Tokens of the best translations. */
  tokens: number;
  seconds: number;
}

export interface Translation {
  source: string;
  /** The best translation; empty for an empty text or one that was left out. */
  text: string;
  /** Best first; the best is `text`. */
  hypotheses: (Hypothesis & { text: string })[];
  tooLong: boolean;
}

/** Ids of a text that waits for its batch. */
interface Pending {
  number: number;
  ids: number[];
  translation: Translation;
}

/**
 * Translates text.
 *
 *     const translator = await Translator.load('runs/best');
 *     for await (const { text } of translator.translate(['Hello.', 'Good night.'], { beams: 5 })) console.log(text);
 */
export class Translator {
  constructor(
    readonly model: TranslationModel,
    private readonly tokenizers: PairTokenizers,
  ) {
    checkArgument(model, 'object', 'The model of a Translator');
    checkArgument(tokenizers, 'object', 'The tokenizers of a Translator, such as loadPairTokenizers gives,');
    checkVocabulary('source', tokenizers.source, model.config.sourceVocabSize);
    checkVocabulary('target', tokenizers.target, model.config.targetVocabSize);
  }

  /**
   * Loads a model folder with its tokenizers beside it.
   * @throws CheckpointError or DataError for files that are missing, damaged or do not fit together
   */
  static async load(folder: string, options: NativeModuleOptions & { signal?: AbortSignal } = {}): Promise<Translator> {
    const tokenizers = await loadPairTokenizers(folder);
    const model = await DelightTransformer.load(folder, options);
    try {
      return new Translator(model, tokenizers);
    } catch (error) {
      model.dispose();
      throw error;
    }
  }

  /**
   * Translates texts in their order. No more than `window` of them are in memory; empty ones give empty translations.
   * @throws DataError for a text that is too long, unless `tooLong` says otherwise; ArgumentError for options that make no sense; AbortError
   */
  async *translate(
    texts: Iterable<string> | AsyncIterable<string>,
    options: TranslateOptions = {},
  ): AsyncGenerator<Translation, void, undefined> {
    if (typeof texts === 'string')
      throw new ArgumentError('texts must be a list of texts: write [text] for a single one');
    const settings = resolve(options);
    const progress = { texts: 0, tooLong: 0, tokens: 0 };
    const start = performance.now();
    for await (const window of windows(texts, settings.window)) {
      throwIfAborted(options.signal);
      const first = progress.texts;
      const pending = await Promise.all(window.map((text, index) => this.#prepare(text, first + index, options)));
      const waiting = pending.filter(({ ids }) => ids.length > 0);
      progress.texts += pending.length - waiting.length;
      progress.tooLong += pending.filter(({ translation }) => translation.tooLong).length;
      for (const batch of batchesByLength(waiting, settings)) {
        await this.#translateBatch(batch, settings);
        progress.texts += batch.length;
        for (const { translation } of batch) progress.tokens += translation.hypotheses[0]!.tokens.length;
        options.onProgress?.({ ...progress, seconds: (performance.now() - start) / 1000 });
      }
      for (const { translation } of pending) yield translation;
    }
  }

  /**
   * One translation as it grows, in pieces of text; greedy unless `sampling` says otherwise.
   * @throws as `translate`
   */
  async *stream(
    text: string,
    options: LengthOptions & Pick<TranslateOptions, 'sampling' | 'tooLong' | 'signal'> = {},
  ): AsyncGenerator<string, void, undefined> {
    const { ids } = await this.#prepare(text, 0, options);
    if (ids.length === 0) return;
    const { sampling = { temperature: 0 } } = options;
    const stream = new TextStream((tokens) => this.tokenizers.target.decode(tokens));
    const steps = sampleTranslations(this.model, [ids], { ...options, ...sampling });
    for await (const [drawn] of steps) {
      const piece = await stream.push(drawn!.token);
      if (piece !== '') yield piece;
    }
    const rest = await stream.end();
    if (rest !== '') yield rest;
  }

  /** Frees the model. */
  dispose(): void {
    this.model.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async #prepare(source: string, number: number, { tooLong = 'error' }: TranslateOptions): Promise<Pending> {
    if (typeof source !== 'string') throw new ArgumentError(`text ${number + 1} is no string but ${typeof source}`);
    const ids = await this.tokenizers.source.encode(source);
    const translation: Translation = { source, text: '', hypotheses: [], tooLong: false };
    const room = this.model.config.maxSourcePositions - 1;
    if (ids.length <= room) return { number, ids, translation };
    if (tooLong === 'error') {
      throw new DataError(
        `text ${number + 1} has ${ids.length} tokens, but the model reads at most ${room}; split it, or let tooLong be "skip" or "cut"`,
      );
    }
    translation.tooLong = true;
    return { number, ids: tooLong === 'cut' ? ids.slice(0, room) : [], translation };
  }

  async #translateBatch(batch: readonly Pending[], options: Settings): Promise<void> {
    const sources = batch.map(({ ids }) => ids);
    const numbers = batch.map(({ number }) => number);
    const { sampling, nBest } = options;
    const found =
      sampling === undefined
        ? await beamSearch(this.model, sources, options)
        : await sampledHypotheses(this.model, sources, { ...options, ...sampling, numbers, samples: nBest });
    for (const [index, { translation }] of batch.entries()) {
      const best = found[index]!.slice(0, nBest);
      translation.hypotheses = await Promise.all(
        best.map(async (hypothesis) => ({
          ...hypothesis,
          text: await this.tokenizers.target.decode(hypothesis.tokens),
        })),
      );
      translation.text = translation.hypotheses[0]!.text;
    }
  }
}

type Settings = TranslateOptions &
  Required<Pick<TranslateOptions, 'nBest' | 'window' | 'batchTokens' | 'batchSentences'>>;

/** Defaults, and a seed for the whole translation: what is drawn depends on it and a text's number, not on batches. */
function resolve(options: TranslateOptions): Settings {
  const { nBest = 1, window = 1024, batchTokens = 2048, batchSentences = 32, beams = 5, sampling } = options;
  for (const [name, value] of Object.entries({ beams, nBest, window, batchTokens, batchSentences }))
    checkWhole(name, value, 1);
  if (sampling === undefined && nBest > beams)
    throw new ArgumentError(`nBest is ${nBest}, but a search with ${beams} beams gives ${beams} translations at most`);
  return {
    ...options,
    ...{ nBest, window, batchTokens, batchSentences },
    sampling: sampling && resolveSampling(sampling),
  };
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new AbortError('the translation was cancelled by its AbortSignal', { cause: signal.reason });
}

function checkVocabulary(side: string, tokenizer: PairTokenizer, vocabSize: number): void {
  if (!(tokenizer instanceof PairTokenizer))
    throw new ArgumentError(`tokenizers.${side} is no PairTokenizer, such as loadPairTokenizers or preparePairs gives`);
  if (tokenizer.vocabSize <= vocabSize) return;
  throw new DataError(
    `the ${side} tokenizer has ${tokenizer.vocabSize} entries, but the model's ${side} vocabulary ${vocabSize}; they do not belong together`,
  );
}
