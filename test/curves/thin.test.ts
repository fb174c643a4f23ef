import fc from 'fast-check';

import { Rows } from '../../lib/curves/rows';
import { bucketsOf, smoothIn, spreadIn } from '../../lib/curves/thin';

const all = (length: number) => ({ start: 0, end: length });
const ascending = (steps: readonly number[]) =>
  Float64Array.from(steps.reduce<number[]>((sum, x) => [...sum, (sum.at(-1) ?? 0) + x], []));

test('no spike is lost, however much is thinned out, and points stay ascending', () => {
  const value = fc.oneof(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.constantFrom(NaN, Infinity));
  const course = fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), value), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(course, fc.integer({ min: 1, max: 50 }), (rows, points) => {
      const places = ascending(rows.map(([x]) => x));
      const values = Float32Array.from(rows, ([, y]) => y);
      const buckets = bucketsOf(places, all(rows.length), { span: Infinity, points });
      expect(buckets.ends.at(-1)).toBe(rows.length);
      expect(buckets.ends.length).toBeLessThanOrEqual(points + 2);
      expect([...buckets.x].sort((a, b) => a - b)).toEqual(buckets.x);
      const { low, high, mean } = spreadIn(values, buckets);
      const finite = (list: ArrayLike<number>) => Array.from(list).filter(Number.isFinite);
      const wanted = finite(values);
      expect(Math.min(...finite(low)) + 0).toBe(Math.min(...wanted) + 0);
      expect(Math.max(...finite(high)) + 0).toBe(Math.max(...wanted) + 0);
      mean.forEach((own, index) => {
        if (Number.isNaN(low[index])) return expect(own).toBeNaN();
        expect(own).toBeGreaterThanOrEqual(low[index]! - 1e-6 * Math.abs(low[index]!));
        expect(own).toBeLessThanOrEqual(high[index]! + 1e-6 * Math.abs(high[index]!));
      });
    }),
  );
});

test('points stay where they were while a run grows', () => {
  const places = Float64Array.from({ length: 10_000 }, (_, index) => index + 1);
  const at = (length: number) => bucketsOf(places, all(length), { span: Infinity, points: 500 });
  const [before, after] = [at(7000), at(7900)];
  expect(after.width).toBe(before.width);
  expect(after.x.slice(0, before.x.length)).toEqual(before.x);
});

test('rows that are all in one place are one point there', () => {
  const buckets = bucketsOf(new Float64Array(900).fill(7), all(900), { span: Infinity, points: 600 });
  expect(buckets.ends).toEqual([900]);
  expect(buckets.x[0]).toBeCloseTo(7);
});

test('few rows are drawn as they are', () => {
  const buckets = bucketsOf(Float64Array.of(1, 5, 6), all(3), { span: Infinity, points: 10 });
  expect(buckets).toEqual({ start: 0, ends: [1, 2, 3], x: [1, 5, 6], width: 0 });
});

test('a smoothed curve keeps a constant, follows a step, and passes over what is not finite', () => {
  const smooth = (values: number[], rows: number) =>
    smoothIn(
      Float32Array.from(values),
      bucketsOf(Float64Array.from(values.keys()), all(values.length), { span: Infinity, points: 100 }),
      rows,
    );
  expect(smooth([3, 3, NaN, 3], 2)).toEqual([3, 3, 3, 3]);
  const stepped = smooth([0, 0, 0, 0, 10, 10, 10, 10, 10, 10, 10, 10], 2);
  expect(stepped[3]).toBe(0);
  expect(stepped[4]).toBeGreaterThan(3);
  expect(stepped.at(-1)).toBeGreaterThan(9.9);
  expect(smooth([NaN], 2)).toEqual([NaN]);
});

test('a step that is made anew replaces what came after it', () => {
  const rows = new Rows();
  const add = (step: number, loss: number) =>
    rows.add({ step, seconds: step / 10, tokens: step * 5 }, [['loss', loss]]);
  for (let step = 1; step <= 3000; step++) add(step, step);
  add(1001, -1);
  expect(rows.length).toBe(1001);
  expect([...rows.values('loss').slice(-2)]).toEqual([1000, -1]);
  rows.add({ step: 1002, seconds: 50, tokens: 6000 }, [['other', 7]]);
  expect(rows.values('loss').at(-1)).toBeNaN();
  expect([...rows.values('other').slice(-2)]).toEqual([NaN, 7]);
  // A clock that was put back does not turn the curve around.
  expect(rows.last('seconds')).toBe(100.1);
  expect(rows.between('step', 10, 20)).toEqual({ start: 8, end: 20 });
});
