/** Long curves for few pixels: the least and the most of each bucket, so that no spike is lost. */
import { roundStep } from '../report';
import type { RowRange } from './rows';

/** Rows put together. Buckets lie on round numbers, so that they stay where they are while a run grows. */
export interface Buckets {
  /** The first row of the first. */
  start: number;
  /** The row after each one's last. */
  ends: number[];
  /** Where each is drawn: the place of its row, or the middle of its width. */
  x: number[];
  /** Width of a bucket; 0 where each row is one by itself. */
  width: number;
}

/** At most about so many buckets over a width of places; as many as there are rows, where those are fewer. */
export function bucketsOf(
  places: Float64Array,
  { start, end }: RowRange,
  { span, points }: { span: number; points: number },
): Buckets {
  if (end - start <= points) {
    const rows = Array.from({ length: end - start }, (_, index) => start + index);
    return { start, ends: rows.map((row) => row + 1), x: rows.map((row) => places[row]!), width: 0 };
  }
  const extent = places[end - 1]! - places[start]!;
  const width = roundStep(Math.max(span > 0 ? Math.min(span, extent) : extent, Number.EPSILON) / points);
  const buckets: Buckets = { start, ends: [], x: [], width };
  let current = Math.floor(places[start]! / width);
  const close = (row: number) => {
    buckets.ends.push(row);
    buckets.x.push((current + 0.5) * width);
  };
  for (let row = start; row < end; row++) {
    const bucket = Math.floor(places[row]! / width);
    if (bucket === current) continue;
    close(row);
    current = bucket;
  }
  close(end);
  return buckets;
}

/** The least, the most and the mean of each bucket; NaN where it holds no finite number. */
export function spreadIn(values: Float32Array, { start, ends }: Buckets): Record<'low' | 'high' | 'mean', number[]> {
  const spread = { low: [] as number[], high: [] as number[], mean: [] as number[] };
  let row = start;
  for (const end of ends) {
    let [low, high, sum, count] = [Infinity, -Infinity, 0, 0];
    for (; row < end; row++) {
      const value = values[row]!;
      // Of NaN and the infinities, no difference is 0.
      if (value - value !== 0) continue;
      if (value < low) low = value;
      if (value > high) high = value;
      sum += value;
      count++;
    }
    spread.low.push(count === 0 ? NaN : low);
    spread.high.push(count === 0 ? NaN : high);
    spread.mean.push(sum / count);
  }
  return spread;
}

/**
 * An exponential mean over about so many rows, at each bucket's last one. It begins some rows before the first bucket, where there are any, and
 * without the usual pull to its first value.
 */
export function smoothIn(values: Float32Array, { start, ends }: Buckets, rows: number): number[] {
  const keep = 1 - 1 / Math.max(1, rows);
  let [sum, weight] = [0, 0];
  let row = Math.max(0, start - Math.ceil(4 * rows));
  return ends.map((end) => {
    for (; row < end; row++) {
      const value = values[row]!;
      if (value - value !== 0) continue;
      sum = sum * keep + value;
      weight = weight * keep + 1;
    }
    return sum / weight;
  });
}

/** The mean of what is finite; null where nothing is. */
export function meanOf(values: Float32Array): number | null {
  let [sum, count] = [0, 0];
  for (const value of values) {
    if (value - value !== 0) continue;
    sum += value;
    count++;
  }
  return count === 0 ? null : sum / count;
}
