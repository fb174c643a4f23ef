/** Orders drawn by chance that a seed repeats on every machine. */
import { randomNumbers } from './random';

/**
 * The numbers from 0 to before `length`, shuffled (Fisher and Yates).
 * @param seeds what the order depends on, and nothing else
 */
export function shuffledRange(length: number, ...seeds: (number | string)[]): Int32Array {
  const order = new Int32Array(length).map((_, index) => index);
  const random = randomNumbers(...seeds);
  for (let last = length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    const value = order[last] as number;
    order[last] = order[other] as number;
    order[other] = value;
  }
  return order;
}
