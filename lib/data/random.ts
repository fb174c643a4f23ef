/** Random numbers that seeds repeat on every machine. */
import { createHash } from 'node:crypto';

/** All that the numbers to come depend on: four whole numbers of 32 bits. */
export type RandomState = readonly [number, number, number, number];

/** Numbers from 0 to before 1, of 32 bits, by Chris Doty-Humphrey's small fast counting generator (sfc32), which can go on from its state. */
export class RandomNumbers {
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  constructor([a, b, c, counter]: RandomState) {
    this.#a = a;
    this.#b = b;
    this.#c = c;
    this.#counter = counter;
  }

  /** @param seeds what the numbers depend on, and nothing else; neighbouring seeds give unrelated numbers */
  static of(...seeds: (number | string)[]): RandomNumbers {
    const hash = createHash('sha256').update(JSON.stringify(seeds)).digest();
    return new RandomNumbers([hash.readInt32LE(0), hash.readInt32LE(4), hash.readInt32LE(8), hash.readInt32LE(12)]);
  }

  get state(): RandomState {
    return [this.#a, this.#b, this.#c, this.#counter];
  }

  next(): number {
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0;
    return (result >>> 0) / 2 ** 32;
  }
}

/** The numbers of `RandomNumbers.of(...seeds)`, one a call. */
export function randomNumbers(...seeds: (number | string)[]): () => number {
  const numbers = RandomNumbers.of(...seeds);
  return () => numbers.next();
}
