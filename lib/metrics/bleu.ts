/**
 * BLEU (Papineni et al. 2002) with the tokenisation, smoothing and rounding rules of sacreBLEU (Post 2018), whose values these are
 * to the last digits.
 */
import { ArgumentError } from '../errors';
import { countMatches, countNgrams, maximumCounts } from './ngrams';
import { fixed } from './python';
import { alignReferences, trimEnd, type References } from './sentences';
import { bleuTokenizers, tokenize, type BleuTokenizer } from './tokenize';

export const bleuSmoothings = ['exp', 'floor', 'add-k', 'none'] as const;

/**
 * What stands in for an n-gram order without a match:
 * - `exp`: half of one match, a quarter for the next such order, and so on
 * - `floor`: `smoothValue` matches (default 0.1)
 * - `add-k`: every order above 1 gets `smoothValue` more matches and n-grams (default 1)
 * - `none`: nothing: the score is 0
 */
export type BleuSmoothing = (typeof bleuSmoothings)[number];

export interface BleuOptions {
  /** Default `13a`. */
  tokenizer?: BleuTokenizer;
  /** Default false. */
  lowercase?: boolean;
  /** Default `exp`. */
  smoothing?: BleuSmoothing;
  /** For `floor` and `add-k`. */
  smoothValue?: number;
  /** Leaves out orders longer than the hypothesis. Default: true for one sentence, false for a corpus. */
  effectiveOrder?: boolean;
}

export interface BleuScore {
  /** 0 to 100. */
  score: number;
  /** Percent of the hypotheses' n-grams that the references have too, orders 1 to 4, smoothed. */
  precisions: number[];
  brevityPenalty: number;
  /** Tokens of the hypotheses, and of the references nearest to them in length. */
  hypothesisLength: number;
  referenceLength: number;
  /** What a reader must know to compare, in sacreBLEU's form. */
  signature: string;
}

/** The release of sacreBLEU whose values these scores have; a signature's `version`. */
export const sacrebleuVersion = '2.6.0';

const maximumOrder = 4;
/** sacreBLEU's logarithm of 0. */
const logOfZero = -9_999_999_999;

/**
 * BLEU of a corpus: n-grams are counted over all sentences. References: one list, or several (sacreBLEU's streams).
 * @throws ArgumentError when the numbers of hypotheses and references differ, or an option is not known
 */
export function corpusBleu(
  hypotheses: readonly string[],
  references: References,
  options: BleuOptions = {},
): BleuScore {
  const settings = resolve(options, false);
  const lists = alignReferences(hypotheses, references);
  const counts = emptyCounts();
  hypotheses.forEach((hypothesis, index) => {
    const own = lists.map((list) => list[index]!);
    addSentence(counts, hypothesis, own, settings);
  });
  return scoreOf(counts, settings, lists.length);
}

/** BLEU of one sentence, by default over the orders it is long enough for. @throws ArgumentError as `corpusBleu` */
export function sentenceBleu(
  hypothesis: string,
  references: string | readonly string[],
  options: BleuOptions = {},
): BleuScore {
  const settings = resolve(options, true);
  const own = typeof references === 'string' ? [references] : references;
  if (own.length === 0) throw new ArgumentError('there are no references to score against');
  const counts = emptyCounts();
  addSentence(counts, hypothesis, own, settings);
  return scoreOf(counts, settings, own.length);
}

/** `BLEU = 75.92 93.5/82.1/71.7/62.0 (BP = 1.000 ratio = 1.000 hyp_len = 65 ref_len = 65)` */
export function formatBleu(bleu: BleuScore): string {
  const { score, precisions, brevityPenalty, hypothesisLength, referenceLength } = bleu;
  const ratio = referenceLength === 0 ? 0 : hypothesisLength / referenceLength;
  return (
    `BLEU = ${fixed(score, 2)} ${precisions.map((value) => fixed(value, 1)).join('/')} ` +
    `(BP = ${fixed(brevityPenalty, 3)} ratio = ${fixed(ratio, 3)} hyp_len = ${hypothesisLength} ref_len = ${referenceLength})`
  );
}

export interface NgramCounts {
  /** By order, from 1: n-grams of the hypotheses, and those that match. */
  totals: number[];
  matches: number[];
  hypothesisLength: number;
  referenceLength: number;
}

export function emptyCounts(): NgramCounts {
  return {
    totals: new Array<number>(maximumOrder).fill(0),
    matches: new Array<number>(maximumOrder).fill(0),
    hypothesisLength: 0,
    referenceLength: 0,
  };
}

/** Adds one sentence; an n-gram matches at most as often as the reference that has most of it. */
export function addTokens(counts: NgramCounts, hypothesis: readonly string[], references: readonly string[][]): void {
  for (let order = 1; order <= maximumOrder; order++) {
    const allowed = maximumCounts(references.map((reference) => countNgrams(reference, order)));
    counts.totals[order - 1]! += Math.max(0, hypothesis.length - order + 1);
    counts.matches[order - 1]! += countMatches(countNgrams(hypothesis, order), allowed);
  }
  counts.hypothesisLength += hypothesis.length;
  counts.referenceLength += nearest(
    hypothesis.length,
    references.map((reference) => reference.length),
  );
}

/** `exp(1 - r/h)` for hypotheses shorter than the references. */
export function brevityPenaltyOf({ hypothesisLength, referenceLength }: NgramCounts): number {
  if (hypothesisLength >= referenceLength) return 1;
  return hypothesisLength === 0 ? 0 : Math.exp(1 - referenceLength / hypothesisLength);
}

function addSentence(counts: NgramCounts, hypothesis: string, references: readonly string[], settings: Settings): void {
  const tokens = (text: string) => {
    const trimmed = trimEnd(settings.lowercase ? text.toLowerCase() : text);
    return tokenize(trimmed, settings.tokenizer);
  };
  addTokens(counts, tokens(hypothesis), references.map(tokens));
}

/** The length nearest to `length`; of two, the shorter. */
function nearest(length: number, candidates: readonly number[]): number {
  const distance = (other: number) => Math.abs(other - length);
  return candidates.reduce((best, other) => {
    const difference = distance(other) - distance(best);
    return difference < 0 || (difference === 0 && other < best) ? other : best;
  });
}

interface Settings {
  tokenizer: BleuTokenizer;
  lowercase: boolean;
  smoothing: BleuSmoothing;
  smoothValue: number | null;
  effectiveOrder: boolean;
}

const smoothValues: Record<BleuSmoothing, number | null> = { exp: null, floor: 0.1, 'add-k': 1, none: null };

function resolve(options: BleuOptions, effectiveOrder: boolean): Settings {
  const smoothing = oneOf('smoothing', options.smoothing ?? 'exp', bleuSmoothings);
  const defaultValue = smoothValues[smoothing];
  const smoothValue = options.smoothValue ?? defaultValue;
  if (options.smoothValue !== undefined && defaultValue === null)
    throw new ArgumentError(`the smoothing ${smoothing} takes no smoothValue; floor and add-k do`);
  if (smoothValue !== null && !(smoothValue >= 0 && Number.isFinite(smoothValue)))
    throw new ArgumentError(`smoothValue is ${smoothValue}; it must be a number of at least 0`);
  return {
    tokenizer: oneOf('tokenizer', options.tokenizer ?? '13a', bleuTokenizers),
    lowercase: options.lowercase ?? false,
    smoothing,
    smoothValue,
    effectiveOrder: options.effectiveOrder ?? effectiveOrder,
  };
}

function oneOf<T extends string>(name: string, value: T, known: readonly T[]): T {
  if (known.includes(value)) return value;
  throw new ArgumentError(`there is no ${name} ${JSON.stringify(value)} for BLEU; there are ${known.join(', ')}`);
}

function scoreOf(counts: NgramCounts, settings: Settings, references: number): BleuScore {
  const { hypothesisLength, referenceLength } = counts;
  const brevityPenalty = brevityPenaltyOf(counts);
  const { precisions, orders } = smoothedPrecisions(counts, settings);
  const logSum = precisions
    .slice(0, orders)
    .reduce((sum, value) => sum + (value === 0 ? logOfZero : Math.log(value)), 0);
  return {
    score: counts.matches.every((count) => count === 0) ? 0 : brevityPenalty * Math.exp(logSum / orders),
    precisions,
    brevityPenalty,
    hypothesisLength,
    referenceLength,
    signature: signatureOf(settings, references),
  };
}

/** Percentages, and how many orders the mean is over. Without any match all are 0, smoothing or not. */
function smoothedPrecisions(counts: NgramCounts, settings: Settings): { precisions: number[]; orders: number } {
  const precisions = new Array<number>(maximumOrder).fill(0);
  if (counts.matches.every((count) => count === 0)) return { precisions, orders: maximumOrder };
  let orders = maximumOrder;
  let halvings = 1;
  for (let index = 0; index < maximumOrder; index++) {
    const added = settings.smoothing === 'add-k' && index > 0 ? settings.smoothValue! : 0;
    const matches = counts.matches[index]! + added;
    const total = counts.totals[index]! + added;
    if (total === 0) break;
    if (settings.effectiveOrder) orders = index + 1;
    if (matches > 0) precisions[index] = (100 * matches) / total;
    else if (settings.smoothing === 'exp') precisions[index] = 100 / ((halvings *= 2) * total);
    else if (settings.smoothing === 'floor') precisions[index] = (100 * settings.smoothValue!) / total;
  }
  return { precisions, orders };
}

function signatureOf(settings: Settings, references: number): string {
  const { smoothing, smoothValue } = settings;
  return [
    `nrefs:${references}`,
    `case:${settings.lowercase ? 'lc' : 'mixed'}`,
    `eff:${settings.effectiveOrder ? 'yes' : 'no'}`,
    `tok:${settings.tokenizer}`,
    `smooth:${smoothing}${smoothValue === null ? '' : `[${fixed(smoothValue, 2)}]`}`,
    `version:${sacrebleuVersion}`,
  ].join('|');
}
