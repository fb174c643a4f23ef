/** Random numbers that are the same on every machine. */

/**
 * Numbers from 0 to below 1, of 53 bits: Chris Doty-Humphrey's sfc32, begun with numbers of any size. Different beginnings give unrelated
 * sequences.
 */
export function randomSequence(...beginning: number[]): () => number {
  const state = new Int32Array(3);
  let counter = 1;
  const next = () => {
    const [a, b, c] = state as unknown as [number, number, number];
    const result = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    state[0] = b ^ (b >>> 9);
    state[1] = (c + (c << 3)) | 0;
    state[2] = ((c << 21) | (c >>> 11)) + result;
    return result >>> 0;
  };
  const warmUp = () => {
    for (let round = 0; round < 12; round++) next();
  };
  for (const number of beginning) {
    state[0]! ^= number | 0;
    state[1]! ^= Math.floor(number / 2 ** 32) | 0;
    warmUp();
  }
  return () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
}
