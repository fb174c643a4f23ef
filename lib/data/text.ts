/** A text: rows out of one or several files, which can be read again and again. */
import { DataError } from '../errors';
import { roundHalfEven } from '../metrics';
import { sha256 } from './cache';
import { checkUnchanged, findTextFiles, hashFiles, type HashOptions, type TextFile } from './text-files';
import { countFileRows, readFileRows, type RowPlace } from './text-rows';

export interface TextOptions {
  /** Where JSONL and Parquet have the text; nested columns are dotted. Default `text`. */
  column?: string | undefined;
  /** Real paths of files to leave out of folders. */
  except?: ReadonlySet<string>;
}

export interface TextBatch {
  rows: Buffer[];
  /** Bytes read of `bytes`. */
  read: number;
  /** Where the row behind these begins: `read` goes on from there. */
  next: TextPlace;
}

/** A border between rows. */
export interface TextPlace {
  /** How many files come before. */
  file: number;
  /** How many rows come before, of all files. */
  row: number;
  /** Where in the file; its beginning where nothing is said. */
  place?: RowPlace | undefined;
}

export interface ReadTextOptions {
  signal?: AbortSignal | undefined;
  /** Where to begin. Default: at the first row. */
  from?: TextPlace | undefined;
}

/** The rows before the border or from there on, the border being at a share of all rows. */
interface Part {
  whole: Text;
  share: number;
  side: 'first' | 'rest';
}

export class Text {
  #hash: string | undefined;
  #rowCount: number | undefined;

  private constructor(
    readonly files: readonly TextFile[],
    private readonly column: string | undefined,
    /** Files in folders that were passed over. */
    readonly skipped: readonly string[],
    private readonly part?: Part,
  ) {}

  /**
   * @param paths files and folders; see `findTextFiles`
   * @throws DataError for what cannot be read
   */
  static async open(paths: readonly string[], { column, except }: TextOptions = {}): Promise<Text> {
    const { files, skipped } = await findTextFiles(paths, except);
    return new Text(files, column, skipped);
  }

  /** Bytes of its files; of a part, about its share of them. */
  get bytes(): number {
    const all = this.files.reduce((sum, { size }) => sum + size, 0);
    return this.part ? this.#upTo(all, this.part) : all;
  }

  /** Parts the text after its first rows, by run_clm's rule: `share` of all rows, rounded, ties to even. */
  split(share: number): { first: Text; rest: Text } {
    const part = (side: Part['side'], skipped: readonly string[]) =>
      new Text(this.files, this.column, skipped, { whole: this, share, side });
    return { first: part('first', []), rest: part('rest', this.skipped) };
  }

  /** Hash of all that decides the rows: the files' bytes, how they are read, and which part it is. */
  async identity(options: HashOptions = {}): Promise<string> {
    const whole = this.part?.whole ?? this;
    whole.#hash ??= await hashFiles(whole.files, options);
    const forms = this.files.map(({ file, form }) => [form, /\.(gz|zst)$/i.exec(file)?.[1]?.toLowerCase()]);
    const part = this.part && [this.part.share, this.part.side];
    return sha256('text-1', whole.#hash, JSON.stringify([forms, this.column, part]));
  }

  /**
   * Rows of some hundred kB at a time.
   * @throws DataError for text that cannot be read, or a part without rows; AbortError
   */
  async *read({ signal, from: begin = { file: 0, row: 0 } }: ReadTextOptions = {}): AsyncGenerator<TextBatch> {
    const border = this.part && (await this.part.whole.#border(this.part.share, signal));
    const [from, to] = this.part?.side === 'rest' ? [border ?? 0, Infinity] : [0, border ?? Infinity];
    let { row, place } = begin;
    let before = this.files.slice(0, begin.file).reduce((sum, { size }) => sum + size, 0);
    for (const [index, file] of [...this.files.entries()].slice(begin.file)) {
      for await (const { rows, position, next } of readFileRows(file, this.column ?? 'text', { from: place, signal })) {
        const wanted = rows.slice(Math.max(0, from - row), Math.max(0, to - row));
        row += rows.length;
        const read = this.#upTo(before + position, this.part);
        if (wanted.length > 0) yield { rows: wanted, read, next: { file: index, row, place: next } };
        if (row >= to) return;
      }
      place = undefined;
      before += file.size;
    }
  }

  /** @throws DataError where a file is no longer the one that was opened */
  checkUnchanged(): Promise<void> {
    return checkUnchanged(this.files);
  }

  /** How much of a part is read when so many bytes of the files are. */
  #upTo(bytes: number, part: Part | undefined): number {
    if (!part) return bytes;
    const border = Math.ceil(part.whole.bytes * part.share);
    return part.side === 'first' ? Math.min(bytes, border) : Math.max(0, bytes - border);
  }

  /** The first row behind the first part. */
  async #border(share: number, signal: AbortSignal | undefined): Promise<number> {
    const rows = (this.#rowCount ??= await this.#count(signal));
    const border = roundHalfEven((share * 100 * rows) / 100, 0);
    if (border > 0 && border < rows) return border;
    const empty = border === 0 ? 'validation' : 'training';
    throw new DataError(
      `${this.files.map(({ file }) => file).join(', ')}: ${rows} rows are too few to split; ${share} of them for validation leaves ` +
        `none for ${empty}; give a file as data.validation, or more text`,
    );
  }

  async #count(signal: AbortSignal | undefined): Promise<number> {
    let count = 0;
    for (const file of this.files) count += await countFileRows(file, this.column ?? 'text', signal);
    return count;
  }
}
