import { spreadOf } from '../../lib/metrics';
import { findings } from '../../lib/study/shared/findings';
import type { BaseRow, Score } from '../../lib/study/shared/row';
import { meanRow, seedsOf } from '../../lib/study/shared/seeds';

interface Row extends BaseRow {
  loss: number | null;
}
const row = (seed: number, loss: number | null, error: string | null = null): Row => ({
  title: 'A',
  folder: `a-seed-${seed}`,
  seed,
  loss,
  error,
});
const score: Score = { key: 'loss', name: 'loss', digits: 2, better: 'lower' };
const several = (title: string, losses: number[]): BaseRow => ({
  title,
  folder: title,
  seed: null,
  error: null,
  spread: { loss: spreadOf(losses) },
});

test.each([
  [{ seed: 42 }, [42]],
  [{ seed: 42, seeds: 3 }, [42, 43, 44]],
  [{ seed: 42, seeds: [7, 1] }, [7, 1]],
])('%j trains with %j', (study, seeds) => {
  expect(seedsOf(study)).toEqual(seeds);
});

test('a mean over seeds, with the spread of each number', () => {
  const mean = meanRow([row(1, 2), row(2, 4), row(3, 3)]);
  expect(mean).toMatchObject({ title: 'A', seed: null, loss: 3, error: null });
  expect(mean.spread).toEqual({ loss: spreadOf([2, 4, 3]) });
});

test('one run stays as it is', () => {
  expect(meanRow([row(1, 2)])).toEqual(row(1, 2));
});

test('runs that failed do not count, and are told', () => {
  const mean = meanRow([row(1, 2), row(2, null, 'diverged'), row(3, 4)]);
  expect(mean).toMatchObject({ loss: 3, error: 'seed 2: diverged' });
  expect(mean.spread!.loss!.count).toBe(2);
  expect(meanRow([row(1, null, 'x'), row(2, null, 'y')])).toMatchObject({ loss: null, error: 'seed 1: x seed 2: y' });
});

test('with one seed nothing can be claimed', () => {
  const rows = [row(1, 2), { ...row(1, 1), title: 'B' }];
  expect(findings(rows, 'A', score)).toEqual([expect.stringMatching(/no difference can be claimed.*--seeds 3/)]);
});

test('nothing is said where nothing is compared', () => {
  expect(findings([several('A', [1, 2])], 'A', score)).toEqual([]);
  expect(findings([several('A', [1, 2]), several('B', [1, 2])], undefined, score)).toEqual([]);
});

test('what exceeds the spread is claimed, better or worse, and what does not is not', () => {
  const rows = [
    several('A', [2.0, 2.1, 1.9]),
    several('B', [1.0, 1.1, 0.9]),
    several('C', [2.05, 1.95, 2.15]),
    several('D', [3.0, 3.1, 2.9]),
  ];
  const [rule, claimed, open] = findings(rows, 'A', score);
  expect(rule).toMatch(/mean loss from A, with Welch's 95 % t intervals, together for all 3/);
  expect(claimed).toMatch(/^More than the spread .*: B -1\.00 \(.*\), better; D \+1\.00 \(.*\), worse\.$/);
  expect(open).toMatch(/^Cannot be claimed: C \+0\.05/);
});

test('many comparisons ask more of each: what is claimed alone may not be among many', () => {
  const base = several('A', [2.0, 2.1, 1.9]);
  const near = several('B', [1.7, 1.8, 1.6]);
  expect(findings([base, near], 'A', score)[1]).toMatch(/More than the spread .* B -0\.30/);
  const others = Array.from({ length: 20 }, (_, index) => several(`C${index}`, [2.0, 2.1, 1.9]));
  expect(findings([base, near, ...others], 'A', score)[1]).toMatch(/None is more/);
});

test('a score that is better when higher', () => {
  const rows = [several('A', [10, 11, 12]), several('B', [30, 31, 32])];
  expect(findings(rows, 'A', { ...score, better: 'higher' })[1]).toMatch(/B \+20\.00 .*better/);
});

test('a model with one finished run is named as unknown', () => {
  const rows = [several('A', [2, 2.1]), several('B', [1])];
  expect(findings(rows, 'A', score).at(-1)).toBe('Too few finished runs to tell: B.');
});
