/** Orders drawn by chance that a seed repeats on every machine. */
import { createHash } from 'node:crypto';

/**
 * The numbers from 0 to before `length`, shuffled (Fisher and Yates).
 * @param seeds what the order depends on, and nothing else
 */
export function shuffledRange(length: number, ...seeds: (number | string)[]): Int32Array {
  const order = Int32Array.from({ length }, (_, index) => index);
  const random = randomNumbers(JSON.stringify(seeds));
  for (let last = length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    const value = order[last] as number;
    order[last] = order[other] as number;
    order[other] = value;
  }
  return order;
}

/** Numbers from 0 to before 1, by Chris Doty-Humphrey's small fast counting generator (sfc32). */
function randomNumbers(seed: string): () => number {
  const hash = createHash('sha256').update(seed).digest();
  let [a, b, c, counter] = [hash.readInt32LE(0), hash.readInt32LE(4), hash.readInt32LE(8), hash.readInt32LE(12)];
  return () => {
    const result = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + result) | 0;
    return (result >>> 0) / 2 ** 32;
  };
}
