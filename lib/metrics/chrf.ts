/**
 * chrF and chrF++ (Popović 2015, 2017): the F-score of character n-grams, and for chrF++ of words and their pairs. Values are sacreBLEU's.
 */
import { ArgumentError } from '../errors';
import { sacrebleuVersion } from './bleu';
import { countMatches, countNgrams } from './ngrams';
import { fixed } from './python';
import { alignReferences, splitWords, type References } from './sentences';

export interface ChrfOptions {
  /** 0 is chrF, 2 is chrF++. Default 0. */
  wordOrder?: number;
  /** Default 6. */
  characterOrder?: number;
  /** Recall counts this many times as much as precision. Default 2. */
  beta?: number;
  /** Default false. */
  lowercase?: boolean;
}

export interface ChrfScore {
  /** 0 to 100. */
  score: number;
  /** `chrF2`, `chrF2++`. */
  name: string;
  /** What a reader must know to compare, in sacreBLEU's form. */
  signature: string;
}

type Settings = Required<ChrfOptions>;

/** Of one n-gram order. Orders that the reference is too short for count nothing of the hypothesis. */
interface OrderCounts {
  hypothesis: number;
  reference: number;
  matches: number;
}

/**
 * chrF of a corpus: counts are summed over the sentences, each against its best reference.
 * @throws ArgumentError when the numbers of hypotheses and references differ, or an option makes no sense
 */
export function corpusChrf(
  hypotheses: readonly string[],
  references: References,
  options: ChrfOptions = {},
): ChrfScore {
  const settings = resolve(options);
  const lists = alignReferences(hypotheses, references);
  const sums = emptyCounts(settings);
  hypotheses.forEach((hypothesis, index) => {
    const own = lists.map((list) => list[index]!);
    bestCounts(hypothesis, own, settings).forEach((counts, order) => add(sums[order]!, counts));
  });
  return scoreOf(sums, settings, lists.length);
}

/** chrF of one sentence against its best reference. @throws ArgumentError as `corpusChrf` */
export function sentenceChrf(
  hypothesis: string,
  references: string | readonly string[],
  options: ChrfOptions = {},
): ChrfScore {
  const settings = resolve(options);
  const own = typeof references === 'string' ? [references] : references;
  if (own.length === 0) throw new ArgumentError('there are no references to score against');
  return scoreOf(bestCounts(hypothesis, own, settings), settings, own.length);
}

/** `chrF2++ = 87.62` */
export function formatChrf({ name, score }: ChrfScore): string {
  return `${name} = ${fixed(score, 2)}`;
}

function resolve({ wordOrder = 0, characterOrder = 6, beta = 2, lowercase = false }: ChrfOptions): Settings {
  const check = (name: string, value: number, least: number) => {
    if (Number.isInteger(value) && value >= least) return;
    throw new ArgumentError(`${name} of chrF is ${value}; it must be a whole number of at least ${least}`);
  };
  check('wordOrder', wordOrder, 0);
  check('characterOrder', characterOrder, 1);
  check('beta', beta, 1);
  return { wordOrder, characterOrder, beta, lowercase };
}

function emptyCounts({ characterOrder, wordOrder }: Settings): OrderCounts[] {
  return Array.from({ length: characterOrder + wordOrder }, () => ({ hypothesis: 0, reference: 0, matches: 0 }));
}

function add(sum: OrderCounts, { hypothesis, reference, matches }: OrderCounts): void {
  sum.hypothesis += hypothesis;
  sum.reference += reference;
  sum.matches += matches;
}

/** Counts against the reference that gives the highest score; of equals, the first. */
function bestCounts(hypothesis: string, references: readonly string[], settings: Settings): OrderCounts[] {
  const own = ngramsOf(hypothesis, settings);
  let best: OrderCounts[] = [];
  let bestScore = -1;
  for (const reference of references) {
    const counts = compare(own, ngramsOf(reference, settings));
    const score = fScore(counts, settings.beta);
    if (score > bestScore) [best, bestScore] = [counts, score];
  }
  return best;
}

/** Character n-grams by order, then word n-grams by order. */
function ngramsOf(sentence: string, { characterOrder, wordOrder, lowercase }: Settings): Map<string, number>[] {
  const words = splitWords(lowercase ? sentence.toLowerCase() : sentence);
  const characters = [...words.join('')];
  const tokens = wordOrder === 0 ? [] : words.flatMap(setPunctuationApart);
  return [
    ...Array.from({ length: characterOrder }, (_, index) => countNgrams(characters, index + 1)),
    ...Array.from({ length: wordOrder }, (_, index) => countNgrams(tokens, index + 1)),
  ];
}

const punctuation = new Set('!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~');

/** At most one mark leaves a word: the last character, else the first. */
function setPunctuationApart(word: string): string[] {
  const characters = [...word];
  if (characters.length === 1) return [word];
  if (punctuation.has(characters.at(-1)!)) return [characters.slice(0, -1).join(''), characters.at(-1)!];
  if (punctuation.has(characters[0]!)) return [characters[0]!, characters.slice(1).join('')];
  return [word];
}

function compare(hypothesis: Map<string, number>[], reference: Map<string, number>[]): OrderCounts[] {
  const size = (counts: Map<string, number>) => [...counts.values()].reduce((sum, count) => sum + count, 0);
  return hypothesis.map((counts, order) => {
    const others = reference[order]!;
    return {
      hypothesis: others.size === 0 ? 0 : size(counts),
      reference: size(others),
      matches: countMatches(counts, others),
    };
  });
}

/** F-score, in percent, of the mean precision and mean recall over the orders that both sides have. */
function fScore(orders: readonly OrderCounts[], beta: number): number {
  const shared = orders.filter(({ hypothesis, reference }) => hypothesis > 0 && reference > 0);
  if (shared.length === 0) return 0;
  let precision = 0;
  let recall = 0;
  for (const { hypothesis, reference, matches } of shared) {
    precision += matches / hypothesis;
    recall += matches / reference;
  }
  precision /= shared.length;
  recall /= shared.length;
  if (precision + recall === 0) return 0;
  const factor = beta ** 2;
  return (100 * ((1 + factor) * precision * recall)) / (factor * precision + recall);
}

function scoreOf(counts: readonly OrderCounts[], settings: Settings, references: number): ChrfScore {
  const { wordOrder, characterOrder, beta, lowercase } = settings;
  return {
    score: fScore(counts, beta),
    name: `chrF${beta}${'+'.repeat(wordOrder)}`,
    signature: [
      `nrefs:${references}`,
      `case:${lowercase ? 'lc' : 'mixed'}`,
      'eff:yes',
      `nc:${characterOrder}`,
      `nw:${wordOrder}`,
      'space:no',
      `version:${sacrebleuVersion}`,
    ].join('|'),
  };
}
