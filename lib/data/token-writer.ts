/** A token file in the making, which survives the end of the process: written to the end of, with a journal of what is sure. */
import { open, readFile, type FileHandle } from 'node:fs/promises';
import path from 'node:path';

import { z } from 'zod';

import { writeFileAtomically } from '../files';
import { rowsPerGroup } from './blocks';
import type { TextBatch, TextPlace } from './text';

export const tokensName = 'tokens.bin';
const journalName = 'journal.json';
/** How much is lost at most when the process is killed. */
const journalEverySeconds = 5;

const count = z.int().nonnegative();
const countsForm = z.strictObject({
  tokens: count,
  rows: count,
  emptyRows: count,
  groupLengths: z.array(count),
  maxTokenId: z.int().min(-1),
});
const journalForm = z.strictObject({
  counts: countsForm,
  next: z.strictObject({
    file: count,
    row: count,
    place: z.strictObject({ at: count, line: z.int().positive().optional() }).optional(),
  }),
});

/** What was written so far; tokens in each group of 1000 rows. */
export type TokenCounts = z.output<typeof countsForm>;

export class TokenWriter {
  #saved = performance.now();

  private constructor(
    private readonly folder: string,
    private readonly file: FileHandle,
    private readonly dtype: 'uint16' | 'uint32',
    readonly counts: TokenCounts,
    /** Where in the text to go on; undefined at the beginning. */
    public next: TextPlace | undefined,
  ) {}

  /** Goes on with what is in the folder, where there is anything. */
  static async open(folder: string, dtype: 'uint16' | 'uint32'): Promise<TokenWriter> {
    const name = path.join(folder, tokensName);
    const handle = await open(name, 'a');
    try {
      return await TokenWriter.#begin(folder, handle, dtype);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  static async #begin(folder: string, handle: FileHandle, dtype: 'uint16' | 'uint32'): Promise<TokenWriter> {
    const journal = journalForm.safeParse(await readJournal(folder)).data;
    const bytes = (journal?.counts.tokens ?? 0) * bytesOf(dtype);
    const isWhole = (await handle.stat()).size >= bytes;
    await handle.truncate(isWhole ? bytes : 0);
    const none = { tokens: 0, rows: 0, emptyRows: 0, groupLengths: [], maxTokenId: -1 };
    return isWhole && journal
      ? new TokenWriter(folder, handle, dtype, journal.counts, journal.next)
      : new TokenWriter(folder, handle, dtype, none, undefined);
  }

  /** Appends the tokens of a batch's rows. */
  async add({ rows, next }: TextBatch, idsOfRows: readonly ArrayLike<number>[]): Promise<void> {
    const { counts } = this;
    const all = idsOfRows.reduce((sum, ids) => sum + ids.length, 0);
    const packed = this.dtype === 'uint16' ? new Uint16Array(all) : new Uint32Array(all);
    let position = 0;
    for (const ids of idsOfRows) {
      packed.set(ids, position);
      position += ids.length;
      const group = Math.floor(counts.rows++ / rowsPerGroup);
      counts.groupLengths[group] = (counts.groupLengths[group] ?? 0) + ids.length;
    }
    for (const id of packed) if (id > counts.maxTokenId) counts.maxTokenId = id;
    counts.emptyRows += rows.filter(isEmpty).length;
    counts.tokens += all;
    this.next = next;
    await this.file.appendFile(new Uint8Array(packed.buffer));
  }

  /** It is time to make sure of what was added. */
  get isDue(): boolean {
    return performance.now() - this.#saved > 1000 * journalEverySeconds;
  }

  /** Makes sure of what was added. */
  async save(): Promise<void> {
    const { counts, next } = this;
    if (next === undefined) return;
    await this.file.sync();
    await writeFileAtomically(path.join(this.folder, journalName), JSON.stringify({ counts, next }));
    this.#saved = performance.now();
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

const bytesOf = (dtype: 'uint16' | 'uint32') => (dtype === 'uint16' ? 2 : 4);

const isEmpty = (row: Buffer) => row.length <= 2 && /^\r?\n?$/.test(row.toString('latin1'));

async function readJournal(folder: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path.join(folder, journalName), 'utf8'));
  } catch {
    return undefined; // what cannot be read is made anew
  }
}
