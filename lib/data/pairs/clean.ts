/** The pairs of a text that have both sides, as clean sentences, with a count of what was left out. */
import { DataError } from '../../errors';
import { throwIfAborted } from '../abort';
import type { PairBatch } from './fields';
import type { PairText } from './read';
import { cleanSentence } from './sentence';
import type { SideTexts } from './types';

export interface CleanCounts {
  read: number;
  missing: number;
  heldOut: number;
}

export interface CleanOptions {
  lowercase: boolean;
  missing: 'skip' | 'error';
  /** Sources that are in a held-out set, where the pair must not be. */
  heldOut: ReadonlySet<string>;
  signal?: AbortSignal | undefined;
  /** Called with the pairs read so far. */
  onProgress?: ((pairs: number) => void) | undefined;
}

/** @param counts is added to */
export async function* cleanPairs(
  text: PairText,
  counts: CleanCounts,
  { lowercase, missing, heldOut, signal, onProgress }: CleanOptions,
): AsyncGenerator<SideTexts> {
  const clean = (raw: string) => {
    const sentence = cleanSentence(raw);
    return lowercase ? sentence.toLowerCase() : sentence;
  };
  for await (const batch of text.read(signal)) {
    throwIfAborted(signal);
    const pairs: SideTexts = { source: [], target: [] };
    for (const [index, raw] of batch.sources.entries()) {
      const [source, target] = [clean(raw), clean(batch.targets[index] ?? '')];
      if (source === '' || target === '') {
        counts.missing++;
        if (missing === 'error') throw missingError(batch, index, source, target);
      } else if (heldOut.has(source)) {
        counts.heldOut++;
      } else {
        pairs.source.push(source);
        pairs.target.push(target);
      }
    }
    counts.read += batch.sources.length;
    onProgress?.(counts.read);
    yield pairs;
  }
}

function missingError(batch: PairBatch, index: number, source: string, target: string): DataError {
  const sides = [source === '' ? 'source' : [], target === '' ? 'target' : []].flat().join(' and ');
  return new DataError(
    `${batch.place(index)}: there is no ${sides} text; fill it in, or set data.missing to skip to leave such pairs out`,
  );
}
