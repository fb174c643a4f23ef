/** How far repeated measurements spread, and whether two series of them differ by more than that. */
import { ArgumentError } from '../errors';

/** Measurements of one thing. */
export interface Spread {
  /** How many. */
  count: number;
  mean: number;
  /** Sample standard deviation (n - 1); null for a single one, which tells nothing of it. */
  deviation: number | null;
  least: number;
  most: number;
}

/** @throws ArgumentError when there are none, or one is not finite */
export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0 || !values.every(Number.isFinite))
    throw new ArgumentError(`a spread needs finite numbers, at least one, not [${values.join(', ')}]`);
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    count,
    mean,
    deviation: count > 1 ? Math.sqrt(squares / (count - 1)) : null,
    least: Math.min(...values),
    most: Math.max(...values),
  };
}

/** Where the difference of two means lies. */
export interface Difference {
  /** The first mean minus the second. */
  difference: number;
  low: number;
  high: number;
}

/**
 * Welch's t interval for the difference of two means, variances not taken to be equal.
 *
 * @param confidence such as 0.95
 * @returns null when a series is a single measurement: then nothing is known
 */
export function welchInterval(a: Spread, b: Spread, confidence: number): Difference | null {
  if (a.deviation === null || b.deviation === null) return null;
  const difference = a.mean - b.mean;
  const [va, vb] = [a.deviation ** 2 / a.count, b.deviation ** 2 / b.count];
  const variance = va + vb;
  if (variance === 0) return { difference, low: difference, high: difference };
  const freedom = variance ** 2 / (va ** 2 / (a.count - 1) + vb ** 2 / (b.count - 1));
  const half = studentQuantile((1 + confidence) / 2, freedom) * Math.sqrt(variance);
  return { difference, low: difference - half, high: difference + half };
}

/** The value that Student's t with so many degrees of freedom, a whole number or not, stays below with a probability of 0.5 to 1. */
export function studentQuantile(probability: number, freedom: number): number {
  if (!(probability >= 0.5 && probability < 1) || !(freedom > 0))
    throw new ArgumentError(
      `no quantile at ${probability} with ${freedom} degrees of freedom; give 0.5 <= p < 1 and more than 0`,
    );
  const tail = (t: number) => incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2;
  let [low, high] = [0, 1];
  while (tail(high) > 1 - probability) high *= 2;
  for (let step = 0; step < 200 && low < high; step++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (tail(middle) > 1 - probability) low = middle;
    else high = middle;
  }
  return high;
}

/** The regularised incomplete beta function I_x(a, b), by its continued fraction (modified Lentz). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges quickly on this side only.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a;
  const apart = (value: number) => (Math.abs(value) < 1e-300 ? 1e-300 : value);
  let [c, d] = [1, 1 / apart(1 - ((a + b) * x) / (a + 1))];
  let fraction = d;
  for (let m = 1; m < 1000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / apart(1 + even * d);
    c = apart(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / apart(1 + odd * d);
    c = apart(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return front * fraction;
}

/** ln of the gamma function for x > 0: Stirling's series, beyond 15, where its error is below a double's. */
function logGamma(x: number): number {
  if (x < 15) return logGamma(x + 1) - Math.log(x);
  const inverse = 1 / (x * x);
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse * (1 / 1680 - inverse / 1188)))) / x;
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series;
}
