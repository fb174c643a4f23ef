/** The rules by which tokens are drawn are transformers' processors: their probabilities, by the share of random numbers that give a token. */
import { drawTokens, type DrawOptions } from '../../lib/generation';
import { torch } from '../../lib/tensor';
import golden from '../fixtures/generation/processors.json';

const draws = 4000;
/** So many numbers, evenly from 0 to 1. */
const random = Float64Array.from({ length: draws }, (_, i) => (i + 0.5) / draws);

function shares(scores: readonly number[], options: DrawOptions): number[] {
  const rows = torch.tensor([[...scores]], { dtype: 'float32' }).expand([draws, scores.length]);
  const counts = new Array<number>(scores.length).fill(0);
  for (const id of drawTokens(rows, { ...options, random }).ids) counts[id]!++;
  return counts.map((count) => count / draws);
}

test.each(golden.cases.map((item) => [JSON.stringify(item.options), item] as const))('%s', (_name, item) => {
  item.scores.forEach((scores, row) => {
    const seen = new Array<number[]>(draws).fill(item.seen[row]!);
    const found = shares(scores, { ...item.options, seen });
    // A share is off by one draw at most, and exactly 0 where transformers leaves a token out.
    found.forEach((share, id) => {
      const expected = item.probabilities[row]![id]!;
      expect(Math.abs(share - expected)).toBeLessThanOrEqual(1.01 / draws);
      if (expected === 0) expect(share).toBe(0);
    });
  });
});

test('temperature 0 takes the best token after the penalty, of equal ones the first', () => {
  const scores = torch.tensor([[1, 3, 2, 3]]);
  expect([...drawTokens(scores, { temperature: 0 }).ids]).toEqual([1]);
  expect([...drawTokens(scores, { temperature: 0, repetitionPenalty: 2, seen: [[1]] }).ids]).toEqual([3]);
  expect([...drawTokens(scores, { temperature: 0, banned: [1, 3] }).ids]).toEqual([2]);
});

test('logarithms are those of the scores as they came', () => {
  const scores = torch.randn([3, 50]);
  const expected = scores.logSoftmax(-1).toArray();
  const { ids, logProbabilities } = drawTokens(scores, {
    temperature: 3,
    topK: 20,
    repetitionPenalty: 2,
    seen: [[1], [2], [3]],
  });
  ids.forEach((id, row) => expect(logProbabilities[row]).toBeCloseTo(expected[row]![id]!, 4));
});

test('a large vocabulary: topP is exact however many tokens it takes', () => {
  const size = 20_000;
  const weights = Array.from({ length: size }, (_, i) => 1 / (((i * 7919) % size) + 10));
  const scores = torch.tensor([weights.map(Math.log)], { dtype: 'float32' });
  const sorted = weights.toSorted((a, b) => b - a);
  const total = sorted.reduce((sum, weight) => sum + weight, 0);
  for (const topP of [0.05, 0.5, 0.9]) {
    let mass = 0;
    const kept = sorted.findIndex((weight) => (mass += weight) >= topP * total) + 1;
    const few = random.filter((_, i) => i % 40 === 20);
    const { ids } = drawTokens(scores.expand([few.length, size]), { topP, random: few });
    const ranks = Array.from(ids, (id) => ((id * 7919) % size) + 1);
    expect(Math.max(...ranks)).toBeLessThanOrEqual(kept + 1);
    expect(Math.max(...ranks)).toBeGreaterThan(kept * 0.8);
  }
});

test.each<[string, () => unknown]>([
  ['every token is banned', () => drawTokens(torch.zeros([1, 3]), { banned: [0, 1, 2] })],
  ['every token is banned, greedily', () => drawTokens(torch.zeros([1, 3]), { banned: [0, 1, 2], temperature: 0 })],
  ['a banned id outside the vocabulary', () => drawTokens(torch.zeros([1, 3]), { banned: [3] })],
  ['a seen id outside the vocabulary', () => drawTokens(torch.zeros([1, 3]), { repetitionPenalty: 2, seen: [[-1]] })],
  ['seen tokens of too few rows', () => drawTokens(torch.zeros([2, 3]), { repetitionPenalty: 2, seen: [[1]] })],
  ['too few random numbers', () => drawTokens(torch.zeros([2, 3]), { random: [0.5] })],
  ['scores of one row without its dimension', () => drawTokens(torch.zeros([3]), {})],
])('%s is an error', (_name, draw) => {
  expect(draw).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
});
