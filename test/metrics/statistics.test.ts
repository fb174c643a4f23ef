import fc from 'fast-check';

import { spreadOf, studentQuantile, welchInterval } from '../../lib/metrics';

test('the spread of some numbers', () => {
  expect(spreadOf([2, 4, 4, 4, 5, 5, 7, 9])).toEqual({
    count: 8,
    mean: 5,
    deviation: Math.sqrt(32 / 7),
    least: 2,
    most: 9,
  });
  expect(spreadOf([3])).toEqual({ count: 1, mean: 3, deviation: null, least: 3, most: 3 });
});

test.each([[[]], [[1, NaN]], [[Infinity]]])('%j has no spread', (values) => {
  expect(() => spreadOf(values)).toThrow(/needs finite numbers, at least one/);
});

/** Printed tables of Student's t; the last two by their closed forms, tan(pi (p - 1/2)) and (2p - 1) sqrt(2 / (4 p (1 - p))). */
test.each([
  [0.975, 3, 3.182446],
  [0.975, 4, 2.776445],
  [0.95, 10, 1.812461],
  [0.995, 30, 2.749996],
  [0.975, 1000, 1.962339],
  [0.9999, 1, Math.tan(Math.PI * 0.4999)],
  [0.999, 2, 0.998 * Math.sqrt(2 / (4 * 0.999 * 0.001))],
])('the quantile at %d with %d degrees of freedom', (probability, freedom, value) => {
  expect(studentQuantile(probability, freedom) / value).toBeCloseTo(1, 6);
});

test('the quantile grows with the probability and shrinks with the degrees of freedom', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.51, max: 0.999, noNaN: true }),
      fc.double({ min: 1, max: 200, noNaN: true }),
      (p, f) => {
        const own = studentQuantile(p, f);
        expect(studentQuantile(p + 0.0005, f)).toBeGreaterThan(own);
        expect(studentQuantile(p, f + 1)).toBeLessThan(own);
      },
    ),
  );
});

test.each([
  [1, 5],
  [0.4, 5],
  [0.9, 0],
  [NaN, 1],
])('no quantile at %d with %d degrees of freedom', (p, f) => {
  expect(() => studentQuantile(p, f)).toThrow(/no quantile at/);
});

test("Welch's interval, by hand: means 10 and 13, variances 1 and 4, three and five values", () => {
  const a = spreadOf([9, 10, 11]);
  const b = spreadOf([13 - Math.sqrt(8), 13, 13, 13, 13 + Math.sqrt(8)]);
  const variance = 1 / 3 + 4 / 5;
  const freedom = variance ** 2 / ((1 / 3) ** 2 / 2 + (4 / 5) ** 2 / 4);
  const { difference, low, high } = welchInterval(a, b, 0.95)!;
  expect(difference).toBeCloseTo(-3, 12);
  expect(high - difference).toBeCloseTo(studentQuantile(0.975, freedom) * Math.sqrt(variance), 10);
  expect(difference - low).toBeCloseTo(high - difference, 12);
});

test('a single measurement tells nothing; equal ones leave no doubt', () => {
  expect(welchInterval(spreadOf([1]), spreadOf([2, 3]), 0.95)).toBeNull();
  expect(welchInterval(spreadOf([1, 1]), spreadOf([2, 2]), 0.95)).toEqual({ difference: -1, low: -1, high: -1 });
});

test('95 of 100 intervals hold the difference that is there', () => {
  // Irwin-Hall sums of a seeded generator are as good as normal here.
  let state = 12345;
  const uniform = () => (state = (state * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
  const normal = () => Array.from({ length: 12 }, uniform).reduce((sum, u) => sum + u, -6);
  const sample = (count: number, scale: number, shift: number) =>
    spreadOf(Array.from({ length: count }, () => shift + scale * normal()));
  let held = 0;
  for (let trial = 0; trial < 2000; trial++) {
    const { low, high } = welchInterval(sample(3, 1, 5), sample(6, 3, 3), 0.95)!;
    if (low <= 2 && 2 <= high) held++;
  }
  expect(held / 2000).toBeGreaterThan(0.93);
  expect(held / 2000).toBeLessThan(0.98);
});
