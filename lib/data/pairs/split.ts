/**
 * Parts parallel text into training, validation and test. A hash of the source text decides, so that all pairs with one source are in
 * one set, the same on every machine, wherever in the corpus they are.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';

import { DataError } from '../../errors';
import { throwIfAborted } from '../abort';
import { cached, sha256 } from '../cache';
import type { PairBatch } from './fields';
import { LineWriter } from './line-writer';
import type { PairText } from './read';
import { cleanSentence } from './sentence';
import { splits, type Split } from './types';

/** A fraction of all pairs, their number, or a text of its own. */
export type HeldOut = number | PairText;

export interface SplitRequest {
  corpus: PairText;
  validation: HeldOut;
  test: HeldOut;
  lowercase: boolean;
  missing: 'skip' | 'error';
}

export interface SplitOptions {
  cacheDir: string;
  signal?: AbortSignal | undefined;
  /** Called while the text is read, with the pairs read so far. */
  onProgress?: (pairs: number) => void;
}

interface SplitCounts {
  read: number;
  missing: number;
  heldOut: number;
}

export interface SplitText {
  /** Identifies the text and how it was split. */
  key: string;
  /** One sentence a line. */
  files: Record<Split, { source: string; target: string }>;
  counts: Record<Split, SplitCounts>;
}

/** The parts as text files, from the cache or made now. */
export async function splitPairs(request: SplitRequest, options: SplitOptions): Promise<SplitText> {
  const { corpus, validation, test, lowercase, missing } = request;
  const identity = [corpus, validation, test].map((part) => (typeof part === 'number' ? part : part.identity));
  const key = sha256('pairs-1', JSON.stringify([...identity, lowercase, missing])).slice(0, 32);
  const { folder, facts: counts } = await cached(options.cacheDir, 'pairs', key, (temporary) =>
    new Splitter(request, options).write(temporary),
  );
  const filesOf = (split: Split) => ({
    source: sideFile(folder, split, 'source'),
    target: sideFile(folder, split, 'target'),
  });
  return { key, files: { train: filesOf('train'), validation: filesOf('validation'), test: filesOf('test') }, counts };
}

function sideFile(folder: string, split: Split, side: 'source' | 'target'): string {
  return path.join(folder, `${split}.${side}.txt`);
}

interface CleanPair {
  source: string;
  target: string;
}

class Splitter {
  private readonly counts: Record<Split, SplitCounts> = {
    train: { read: 0, missing: 0, heldOut: 0 },
    validation: { read: 0, missing: 0, heldOut: 0 },
    test: { read: 0, missing: 0, heldOut: 0 },
  };
  /** Source texts of held-out sets that are files of their own. */
  private readonly ofFiles = new Set<string>();

  constructor(
    private readonly request: SplitRequest,
    private readonly options: SplitOptions,
  ) {}

  async write(folder: string): Promise<Record<Split, SplitCounts>> {
    const { corpus, validation, test } = this.request;
    const writers: Partial<Record<Split, [LineWriter, LineWriter]>> = {};
    try {
      for (const split of splits) {
        const create = (side: 'source' | 'target') => LineWriter.create(sideFile(folder, split, side));
        writers[split] = [await create('source'), await create('target')];
      }
      const kept = { train: 0, validation: 0, test: 0 };
      const write = async (split: Split, { source, target }: CleanPair) => {
        kept[split]++;
        await writers[split]?.[0].write(source);
        await writers[split]?.[1].write(target);
      };
      for (const [split, text] of [
        ['test', test],
        ['validation', validation],
      ] as const) {
        if (typeof text === 'number') continue;
        const sources: string[] = [];
        for await (const pair of this.pairsOf(text, split)) {
          await write(split, pair);
          sources.push(pair.source);
        }
        for (const source of sources) this.ofFiles.add(source);
      }
      const limits = await this.limits();
      for await (const pair of this.pairsOf(corpus, 'train')) {
        const place = placeOf(pair.source);
        const split = place < limits.test ? 'test' : place < limits.validation ? 'validation' : 'train';
        if (split !== 'train') {
          this.counts.train.read--;
          this.counts[split].read++;
        }
        await write(split, pair);
      }
      this.checkKept(kept);
      for (const [source, target] of Object.values(writers)) {
        await source.flush();
        await target.flush();
      }
    } finally {
      for (const [source, target] of Object.values(writers)) {
        await source.close();
        await target.close();
      }
    }
    return this.counts;
  }

  /** Clean pairs with text on both sides and a source that is in no file read before. */
  private async *pairsOf(text: PairText, split: Split): AsyncGenerator<CleanPair> {
    const counts = this.counts[split];
    for await (const batch of text.read(this.options.signal)) {
      throwIfAborted(this.options.signal);
      for (const [index, rawSource] of batch.sources.entries()) {
        counts.read++;
        const pair = { source: this.clean(rawSource), target: this.clean(batch.targets[index] ?? '') };
        if (pair.source === '' || pair.target === '') {
          counts.missing++;
          if (this.request.missing === 'error') throw missingError(batch, index, pair);
        } else if (this.ofFiles.has(pair.source)) {
          counts.heldOut++;
        } else {
          yield pair;
        }
      }
      this.options.onProgress?.(counts.read);
    }
  }

  private clean(text: string): string {
    const sentence = cleanSentence(text);
    return this.request.lowercase ? sentence.toLowerCase() : sentence;
  }

  /** Below which place a pair goes to the test set, and below which, from there on, to validation. */
  private async limits(): Promise<{ test: number; validation: number }> {
    const { corpus, test, validation } = this.request;
    let places: Float64Array | undefined;
    if (isCount(test) || isCount(validation)) {
      const found: number[] = [];
      const before = { ...this.counts.train };
      for await (const { source } of this.pairsOf(corpus, 'train')) found.push(placeOf(source));
      this.counts.train = before;
      places = Float64Array.from(found).sort();
    }
    const after = (start: number, part: HeldOut): number => {
      if (typeof part !== 'number') return start;
      if (!places || !isCount(part)) return start + part;
      const below = places.findIndex((place) => place >= start);
      return places[(below < 0 ? places.length : below) + part] ?? 1;
    };
    const testLimit = after(0, test);
    return { test: testLimit, validation: after(testLimit, validation) };
  }

  private checkKept(kept: Record<Split, number>): void {
    const empty = splits.filter((split) => kept[split] === 0);
    if (empty.length === 0) return;
    const { train, validation, test } = this.counts;
    const read = train.read + validation.read + test.read;
    const without = train.missing + validation.missing + test.missing;
    const advice =
      without === read
        ? 'look whether data.fields, sourceLanguage and targetLanguage name the texts'
        : 'give more pairs, or other sizes of data.validation and data.test';
    throw new DataError(
      `${this.request.corpus.name} leaves no pair for ${empty.join(' and ')}: ${read} read, ${without} without text on a side; ${advice}`,
    );
  }
}

/** A pair's place between 0 and 1, by its source. */
function placeOf(source: string): number {
  return createHash('sha256').update(source).digest().readUIntBE(0, 6) / 2 ** 48;
}

function isCount(part: HeldOut): part is number {
  return typeof part === 'number' && part >= 1;
}

function missingError(batch: PairBatch, index: number, { source, target }: CleanPair): DataError {
  const sides = [source === '' ? 'source' : [], target === '' ? 'target' : []].flat().join(' and ');
  return new DataError(
    `${batch.place(index)}: there is no ${sides} text; fill it in, or set data.missing to skip to leave such pairs out`,
  );
}
