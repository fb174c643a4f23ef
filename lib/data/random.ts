/** Random numbers that seeds repeat on every machine. */
import { createHash } from 'node:crypto';

/**
 * Numbers from 0 to before 1, of 32 bits, by Chris Doty-Humphrey's small fast counting generator (sfc32).
 * @param seeds what the numbers depend on, and nothing else; neighbouring seeds give unrelated numbers
 */
export function randomNumbers(...seeds: (number | string)[]): () => number {
  const hash = createHash('sha256').update(JSON.stringify(seeds)).digest();
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
