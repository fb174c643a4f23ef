import { readFileSync } from 'node:fs';
import path from 'node:path';

import fc from 'fast-check';

import {
  corpusBleu,
  corpusChrf,
  fairseqBleu,
  formatBleu,
  formatChrf,
  formatFairseqBleu,
  sentenceBleu,
  sentenceChrf,
  splitCompounds,
  type BleuOptions,
  type BleuScore,
  type ChrfOptions,
  type ChrfScore,
} from '../../lib/metrics';

interface Case<Options, Score> {
  options: Options;
  corpora: (Score & { references: number; from: number; to: number; shown: string })[];
  /** With one reference, then with three. */
  sentences: [number[], number[]];
}

interface Scores {
  pairs: { hypothesis: string; references: string[] }[];
  bleu: Case<BleuOptions, BleuScore>[];
  chrf: Case<ChrfOptions, ChrfScore>[];
  compounds: { text: string; split: string }[];
}

/** Written by make_scores.py beside it, with sacreBLEU itself. */
const { pairs, bleu, chrf, compounds } = JSON.parse(
  readFileSync(path.join(__dirname, '../fixtures/metrics/scores.json'), 'utf8'),
) as Scores;

const tolerance = 1e-12;
/** Relative to the size of a score. */
function expectClose(value: number, expected: number): void {
  expect(Math.abs(value - expected)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(expected)));
}

function part({ from, to, references }: { from: number; to: number; references: number }) {
  const own = pairs.slice(from, to);
  const lists = Array.from({ length: references }, (_, r) => own.map((pair) => pair.references[r]!));
  return [own.map((pair) => pair.hypothesis), references === 1 ? lists[0]! : lists] as const;
}

test('the golden pairs are many, of many scripts, and differ', () => {
  const text = pairs.map((pair) => pair.hypothesis).join('');
  expect(pairs.length).toBeGreaterThan(300);
  for (const script of ['Han', 'Cyrillic', 'Arabic', 'Hangul', 'Thai', 'Devanagari', 'Hiragana'])
    expect(text).toMatch(new RegExp(`\\p{Script=${script}}`, 'u'));
  expect(text).toMatch(/&quot;|&amp;/);
  expect(text).toMatch(/[\u{1d400}-\u{1d7ff}]/u);
  expect(new Set(bleu[0]!.sentences[0]).size).toBeGreaterThan(150);
});

describe.each(bleu.map((golden) => ({ name: JSON.stringify(golden.options), golden })))('BLEU $name', ({ golden }) => {
  test.each(golden.corpora)('corpus $from to $to, $references references', (expected) => {
    const [hypotheses, references] = part(expected);
    const score = corpusBleu(hypotheses, references, golden.options);
    expectClose(score.score, expected.score);
    score.precisions.forEach((precision, order) => expectClose(precision, expected.precisions[order]!));
    expectClose(score.brevityPenalty, expected.brevityPenalty);
    expect([score.hypothesisLength, score.referenceLength]).toEqual([
      expected.hypothesisLength,
      expected.referenceLength,
    ]);
    expect(score.signature).toBe(expected.signature);
    expect(formatBleu(score)).toBe(expected.shown);
  });

  test('each sentence', () => {
    pairs.forEach(({ hypothesis, references }, index) => {
      expectClose(sentenceBleu(hypothesis, references[0]!, golden.options).score, golden.sentences[0][index]!);
      expectClose(sentenceBleu(hypothesis, references, golden.options).score, golden.sentences[1][index]!);
    });
  });
});

describe.each(chrf.map((golden) => ({ name: JSON.stringify(golden.options), golden })))('chrF $name', ({ golden }) => {
  test.each(golden.corpora)('corpus $from to $to, $references references', (expected) => {
    const [hypotheses, references] = part(expected);
    const score = corpusChrf(hypotheses, references, golden.options);
    expectClose(score.score, expected.score);
    expect([score.name, score.signature]).toEqual([expected.name, expected.signature]);
    expect(formatChrf(score)).toBe(expected.shown);
  });

  test('each sentence', () => {
    pairs.forEach(({ hypothesis, references }, index) => {
      expectClose(sentenceChrf(hypothesis, references[0]!, golden.options).score, golden.sentences[0][index]!);
      expectClose(sentenceChrf(hypothesis, references, golden.options).score, golden.sentences[1][index]!);
    });
  });
});

describe("fairseq's BLEU", () => {
  test('is BLEU of ready tokens without smoothing', () => {
    const unsmoothed = corpusBleu(
      pairs.map((pair) => pair.hypothesis),
      pairs.map((pair) => pair.references[0]!),
      { tokenizer: 'none', smoothing: 'none' },
    );
    const score = fairseqBleu(
      pairs.map((pair) => pair.hypothesis),
      pairs.map((pair) => pair.references[0]!),
    );
    expect(unsmoothed.score).toBeGreaterThan(10);
    expectClose(score.score, unsmoothed.score);
    expect(score.hypothesisLength).toBe(unsmoothed.hypothesisLength);
  });

  test('by hand: 4/5, 3/4, 2/3, 1/2 and a hypothesis of 5 against 6', () => {
    const score = fairseqBleu(['a b c d x'], ['a b c d e f']);
    expectClose(score.score, 100 * Math.exp(1 - 6 / 5) * (1 / 5) ** 0.25);
    expect(formatFairseqBleu(score)).toBe(
      'BLEU4 = 54.75, 80.0/75.0/66.7/50.0 (BP=0.819, ratio=0.833, syslen=5, reflen=6)',
    );
  });

  test('an order without a match, or an empty side, makes it 0', () => {
    for (const [hypothesis, reference] of [
      ['a b c d', 'd c b a'],
      ['a b c', 'a b c'],
      ['', 'a b c d'],
      ['a b c d', ''],
      ['', ''],
    ] as const)
      expect(fairseqBleu([hypothesis], [reference]).score).toBe(0);
  });

  test('an unknown word of the reference matches nothing', () => {
    expect(fairseqBleu(['a <unk> c d e'], ['a <unk> c d e']).precisions[0]).toBe(80);
    expect(fairseqBleu(['a <unk> c d e'], ['a b c d e']).precisions[0]).toBe(80);
  });

  test('compounds are split on both sides', () => {
    expect(fairseqBleu(['ab-cd'], ['ab-cd'], { compoundSplit: true }).hypothesisLength).toBe(3);
    expect(fairseqBleu(['ab cd e'], ['ab-cd e'], { compoundSplit: true }).precisions[0]).toBe(100);
  });

  test.each(compounds)('compounds of "$text" as Perl splits them', ({ text, split }) => {
    expect(splitCompounds(text)).toBe(split);
  });
});

describe('mistakes', () => {
  const refused = (call: () => unknown, message: RegExp) =>
    expect(call).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT', message: expect.stringMatching(message) }) as Error,
    );

  test('numbers of lines that differ are told', () => {
    refused(() => corpusBleu(['a', 'b'], ['a']), /2 hypotheses, but 1 references/);
    refused(() => corpusChrf(['a', 'b'], [['a', 'b'], ['a']]), /2 hypotheses, but 1 references in list 2/);
    refused(() => fairseqBleu(['a'], ['a', 'b']), /1 hypotheses, but 2 references/);
    refused(() => corpusBleu([], []), /no hypotheses/);
    refused(() => sentenceBleu('a', []), /no references/);
    refused(() => sentenceChrf('a', []), /no references/);
  });

  test('options that are unknown or make no sense', () => {
    refused(() => corpusBleu(['a'], ['a'], { tokenizer: 'zh' as 'intl' }), /tokenizer "zh".*13a, intl, char, none/);
    refused(() => corpusBleu(['a'], ['a'], { smoothing: 'exponential' as 'exp' }), /smoothing "exponential"/);
    refused(() => corpusBleu(['a'], ['a'], { smoothValue: 1 }), /exp takes no smoothValue/);
    refused(() => corpusBleu(['a'], ['a'], { smoothing: 'floor', smoothValue: -1 }), /smoothValue is -1/);
    refused(() => corpusChrf(['a'], ['a'], { wordOrder: 0.5 }), /wordOrder of chrF is 0.5/);
    refused(() => corpusChrf(['a'], ['a'], { beta: 0 }), /beta/);
  });
});

test('scores stay within 0 and 100, and a copy has 100', () => {
  const sentence = fc.string({ unit: 'grapheme', minLength: 1 });
  fc.assert(
    fc.property(sentence, sentence, (hypothesis, reference) => {
      const scores = [
        sentenceBleu(hypothesis, reference).score,
        sentenceChrf(hypothesis, reference, { wordOrder: 2 }).score,
      ];
      return scores.every((score) => score >= 0 && score <= 100 + 1e-9);
    }),
  );
  expect(corpusBleu(['Das ist ein Haus.'], ['Das ist ein Haus.']).score).toBeCloseTo(100, 10);
  expect(corpusChrf(['Das ist ein Haus.'], ['Das ist ein Haus.'], { wordOrder: 2 }).score).toBeCloseTo(100, 10);
});
