/** BLEU as fairseq's scorer has it: on text that is already in tokens, one reference, no smoothing. */
import { addTokens, brevityPenaltyOf, emptyCounts, type NgramCounts } from './bleu';
import { fixed } from './python';
import { alignReferences, splitWords } from './sentences';

export interface FairseqBleuOptions {
  /**
   * Splits hyphenated words on both sides, `a-b` into `a ##AT##-##AT## b`, as published figures of WMT'14 English-German do.
   * Default false.
   */
  compoundSplit?: boolean;
}

export interface FairseqBleuScore {
  /** 0 to 100. */
  score: number;
  /** In percent, orders 1 to 4. */
  precisions: number[];
  brevityPenalty: number;
  hypothesisLength: number;
  referenceLength: number;
}

/** Stands for an unknown word: in a reference it matches nothing, not even itself. */
const unknownWord = '<unk>';
/** No word of a text is a blank. */
const noWord = ' ';

/**
 * Corpus BLEU-4 of tokenised text: an order without a match makes it 0.
 * @throws ArgumentError when the numbers of hypotheses and references differ
 */
export function fairseqBleu(
  hypotheses: readonly string[],
  references: readonly string[],
  { compoundSplit = false }: FairseqBleuOptions = {},
): FairseqBleuScore {
  alignReferences(hypotheses, references);
  const tokens = (text: string) => splitWords(compoundSplit ? splitCompounds(text) : text);
  const counts = emptyCounts();
  hypotheses.forEach((hypothesis, index) => {
    const reference = tokens(references[index]!).map((word) => (word === unknownWord ? noWord : word));
    addTokens(counts, tokens(hypothesis), [reference]);
  });
  const brevityPenalty = brevityPenaltyOf(counts);
  const precisions = precisionsOf(counts);
  const logMean = precisions.reduce((sum, value) => sum + Math.log(value / 100), 0) / precisions.length;
  return {
    score: 100 * brevityPenalty * Math.exp(logMean),
    precisions,
    brevityPenalty,
    hypothesisLength: counts.hypothesisLength,
    referenceLength: counts.referenceLength,
  };
}

/**
 * `Start-up` to `Start ##AT##-##AT## up`. The published figures come from a substitution on bytes that does not look at a
 * byte twice: of `a-b-c` only the first hyphen is split, of `ab-cd-ef` both.
 */
export function splitCompounds(text: string): string {
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  const split = bytes.replace(/([^\t-\r ])-([^\t-\r ])/g, '$1 ##AT##-##AT## $2');
  return Buffer.from(split, 'latin1').toString('utf8');
}

/** `BLEU4 = 28.04, 59.0/33.7/21.7/14.4 (BP=1.000, ratio=1.008, syslen=65120, reflen=64506)` */
export function formatFairseqBleu(bleu: FairseqBleuScore): string {
  const { score, precisions, brevityPenalty, hypothesisLength, referenceLength } = bleu;
  const ratio = referenceLength === 0 ? 0 : hypothesisLength / referenceLength;
  return (
    `BLEU4 = ${fixed(score, 2)}, ${precisions.map((value) => fixed(value, 1)).join('/')} ` +
    `(BP=${fixed(brevityPenalty, 3)}, ratio=${fixed(ratio, 3)}, syslen=${hypothesisLength}, reflen=${referenceLength})`
  );
}

function precisionsOf({ matches, totals }: NgramCounts): number[] {
  return matches.map((count, index) => (count === 0 ? 0 : (100 * count) / totals[index]!));
}
