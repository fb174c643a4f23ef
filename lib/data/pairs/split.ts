/**
 * Parts parallel text into training, validation and test. A hash of the source text decides, so that all pairs with one source are in
 * one set, the same on every machine, wherever in the corpus they are.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';

import { DataError } from '../../errors';
import { cached, sha256 } from '../cache';
import { cleanPairs, type CleanCounts } from './clean';
import { LineWriter } from './line-writer';
import type { PairText } from './read';
import { splits, type SideTexts, type Split } from './types';

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

export interface SplitText {
  /** Identifies the text and how it was split. */
  key: string;
  /** One sentence a line. */
  files: Record<Split, { source: string; target: string }>;
  counts: Record<Split, CleanCounts>;
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

class Splitter {
  private readonly counts: Record<Split, CleanCounts> = {
    train: { read: 0, missing: 0, heldOut: 0 },
    validation: { read: 0, missing: 0, heldOut: 0 },
    test: { read: 0, missing: 0, heldOut: 0 },
  };
  private readonly kept: Record<Split, number> = { train: 0, validation: 0, test: 0 };
  private readonly writers: Partial<Record<Split, [source: LineWriter, target: LineWriter]>> = {};
  /** Source texts of held-out sets that are files of their own. */
  private readonly heldOut = new Set<string>();

  constructor(
    private readonly request: SplitRequest,
    private readonly options: SplitOptions,
  ) {}

  async write(folder: string): Promise<Record<Split, CleanCounts>> {
    const { validation, test } = this.request;
    try {
      for (const split of splits) {
        const create = (side: 'source' | 'target') => LineWriter.create(sideFile(folder, split, side));
        this.writers[split] = [await create('source'), await create('target')];
      }
      if (typeof test !== 'number') await this.writeHeldOut('test', test);
      if (typeof validation !== 'number') await this.writeHeldOut('validation', validation);
      await this.writeCorpus();
      this.checkKept();
    } finally {
      for (const writer of Object.values(this.writers).flat()) await writer.close();
    }
    return this.counts;
  }

  private async writeHeldOut(split: Split, text: PairText): Promise<void> {
    const sources: string[] = [];
    for await (const pairs of this.read(text, this.counts[split])) {
      for (const [index, source] of pairs.source.entries()) {
        this.add(split, source, pairs.target[index] ?? '');
        sources.push(source);
      }
      await this.flush();
    }
    for (const source of sources) this.heldOut.add(source);
  }

  private async writeCorpus(): Promise<void> {
    const limits = await this.limits();
    const { train } = this.counts;
    for await (const pairs of this.read(this.request.corpus, train)) {
      for (const [index, source] of pairs.source.entries()) {
        const place = placeOf(source);
        const split = place < limits.test ? 'test' : place < limits.validation ? 'validation' : 'train';
        train.read--;
        this.counts[split].read++;
        this.add(split, source, pairs.target[index] ?? '');
      }
      await this.flush();
    }
  }

  private read(text: PairText, counts: CleanCounts): AsyncGenerator<SideTexts> {
    const { lowercase, missing } = this.request;
    return cleanPairs(text, counts, { lowercase, missing, heldOut: this.heldOut, ...this.options });
  }

  private add(split: Split, source: string, target: string): void {
    this.kept[split]++;
    this.writers[split]?.[0].add(source);
    this.writers[split]?.[1].add(target);
  }

  private async flush(): Promise<void> {
    for (const writer of Object.values(this.writers).flat()) await writer.flush();
  }

  /** Below which place a pair goes to the test set, and below which, from there on, to validation. */
  private async limits(): Promise<{ test: number; validation: number }> {
    const { test, validation } = this.request;
    const places = isCount(test) || isCount(validation) ? await this.sortedPlaces() : new Float64Array();
    const after = (start: number, part: HeldOut): number => {
      if (typeof part !== 'number') return start;
      if (!isCount(part)) return start + part;
      const below = places.findIndex((place) => place >= start);
      return places[(below < 0 ? places.length : below) + part] ?? 1;
    };
    const testLimit = after(0, test);
    return { test: testLimit, validation: after(testLimit, validation) };
  }

  private async sortedPlaces(): Promise<Float64Array> {
    const places: number[] = [];
    const uncounted = { read: 0, missing: 0, heldOut: 0 };
    for await (const { source } of this.read(this.request.corpus, uncounted)) {
      for (const text of source) places.push(placeOf(text));
    }
    return Float64Array.from(places).sort();
  }

  private checkKept(): void {
    const empty = splits.filter((split) => this.kept[split] === 0);
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

function isCount(part: HeldOut): boolean {
  return typeof part === 'number' && part >= 1;
}
