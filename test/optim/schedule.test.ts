import { learningRateFactor } from '../../lib/optim';

test('linear: up to 1, then down to 0', () => {
  const factors = Array.from({ length: 9 }, (_, step) => learningRateFactor('linear', step, 8, 2));
  expect(factors).toEqual([0, 0.5, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6, 0]);
});

test('cosine: half a wave', () => {
  expect(learningRateFactor('cosine', 0, 10, 0)).toBe(1);
  expect(learningRateFactor('cosine', 6, 10, 2)).toBeCloseTo(0.5, 15);
  expect(learningRateFactor('cosine', 3, 10, 0)).toBeCloseTo(0.5 * (1 + Math.cos(0.3 * Math.PI)), 15);
  expect(learningRateFactor('cosine', 10, 10, 2)).toBeCloseTo(0, 15);
});

test('constant, with and without warm-up', () => {
  expect([0, 1, 2, 50].map((step) => learningRateFactor('constant', step, 10, 2))).toEqual([0, 0.5, 1, 1]);
  expect(learningRateFactor('constant', 0, 10, 0)).toBe(1);
});

test('past the end the factor stays 0, and a warm-up as long as the training divides nothing by 0', () => {
  expect(learningRateFactor('linear', 20, 10, 0)).toBe(0);
  expect(learningRateFactor('linear', 10, 10, 10)).toBe(0);
  expect(learningRateFactor('cosine', 12, 10, 10)).toBe(0);
});

test('nonsense is refused', () => {
  expect(() => learningRateFactor('linear', -1, 10, 0)).toThrow(/step/);
  expect(() => learningRateFactor('linear', 1, 10, 0.5)).toThrow(/warmup/);
  expect(() => learningRateFactor('steps' as 'linear', 1, 10, 0)).toThrow(/"steps"/);
});
