/** Small sentence pairs to train on. */
import fs from 'node:fs';
import path from 'node:path';

import type { TokenPairs, TokenSentences } from '../../lib/data';

export const padTokenId = 1;
export const eosTokenId = 2;
/** Ids below are marks. */
const firstWord = 4;
export const pairVocabSize = 12;

/** A small Transformer for such pairs. */
export const smallTranslator = {
  type: 'transformer',
  hiddenSize: 16,
  encoder: { layers: 1, heads: 2, ffnSize: 32 },
  sourceVocabSize: pairVocabSize,
  targetVocabSize: pairVocabSize,
  padTokenId,
  eosTokenId,
} as const;

export function writeSentences(folder: string, name: string, sentences: number[][]): TokenSentences {
  const file = path.join(folder, `${name}.bin`);
  fs.writeFileSync(file, Uint16Array.from(sentences.flat()));
  const offsets = new Float64Array(sentences.length + 1);
  sentences.forEach((sentence, index) => (offsets[index + 1] = offsets[index]! + sentence.length));
  return { file, dtype: 'uint16', offsets };
}

export function writePairs(folder: string, name: string, pairs: [source: number[], target: number[]][]): TokenPairs {
  const source = writeSentences(
    folder,
    `${name}.source`,
    pairs.map(([side]) => side),
  );
  const target = writeSentences(
    folder,
    `${name}.target`,
    pairs.map(([, side]) => side),
  );
  return { source, target, count: pairs.length };
}

/** Pairs that are easy to learn: a target is its source backwards. Lengths from 1 to 6. */
export function reversedPairs(count: number): [number[], number[]][] {
  return Array.from({ length: count }, (_, index) => {
    const length = 1 + (index % 6);
    const source = Array.from(
      { length },
      (_word, place) => firstWord + ((index * 5 + place * 3 + Math.floor(index / 6)) % (pairVocabSize - firstWord)),
    );
    return [source, [...source].reverse()];
  });
}
