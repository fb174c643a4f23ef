/** Samples out of files, one file after the other. */
import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';

import { z } from 'zod';

import { ArgumentError, CheckpointError, DataError } from '../../errors';
import type { JsonValue } from '../../json';
import { shuffledRange } from '../shuffle';
import { turn } from './event-loop';
import { ended, parseState, place, type Opening, type Reader, type Source } from './source';

/** Samples that follow each other in a file. */
export interface Group<T> {
  /** Where in the file it begins; `read` begins there again. */
  place: JsonValue;
  count: number;
  /** Made when it is wanted; undefined where there is none, as in a blank line. @throws DataError for a damaged one */
  sample(index: number): T | undefined;
}

/** How files of one kind are read. */
export interface FileFormat<T> {
  readonly kind: string;
  /** What decides the samples beside the files. */
  readonly options: { readonly [key: string]: JsonValue };
  /** Endings of such files in folders. */
  readonly endings: RegExp;
  /** @param from the place of a group, null for the beginning @throws DataError where nothing more can be read of the file */
  read(file: string, from: JsonValue, signal: AbortSignal | undefined): AsyncGenerator<Group<T>>;
}

export interface FileStreamOptions {
  /**
   * A damaged file: `stop` (the default) is a DataError; `skip` passes over what cannot be read, a record or the rest of the file, counts
   * it, and tells of it.
   */
  onDamage?: 'stop' | 'skip';
  /** The seed of a drawn order of the files, another in each pass. Default: as they are given; those of a folder sorted. */
  shuffleFiles?: number;
}

/** @throws DataError for a folder that cannot be read or has no such file; ArgumentError for no files */
export function fileSource<T>(
  paths: string | readonly string[],
  format: FileFormat<T>,
  options: FileStreamOptions,
): Source<T> {
  const files = [paths].flat().flatMap((name) => (isFolder(name) ? filesBelow(name, format) : [name]));
  if (files.length === 0) throw new ArgumentError(`A stream of ${format.kind} needs at least one file.`);
  return sourceOf(files, format, options, null);
}

function sourceOf<T>(
  files: readonly string[],
  format: FileFormat<T>,
  options: FileStreamOptions,
  part: readonly [rank: number, worldSize: number] | null,
): Source<T> {
  const { onDamage = 'stop', shuffleFiles = null } = options;
  const names = createHash('sha256')
    .update(JSON.stringify(files.map((file) => path.basename(file))))
    .digest('hex');
  return {
    description: { kind: format.kind, files: files.length, names, ...format.options, onDamage, shuffleFiles, part },
    open: (state, opening) => new FileReader(files, format, { onDamage, shuffleFiles }, state, opening),
    partOf(rank, worldSize) {
      if (part !== null || files.length % worldSize !== 0) return undefined;
      const own = files.filter((_, index) => index % worldSize === rank);
      return sourceOf(own, format, options, [rank, worldSize]);
    },
  };
}

function isFolder(name: string): boolean {
  return statSync(name, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function filesBelow(folder: string, { endings, kind }: FileFormat<unknown>): string[] {
  const names = readdirSync(folder, { recursive: true }) as string[];
  const files = names.filter((name) => endings.test(name) && !/(^|[/\\])\./.test(name)).sort();
  if (files.length > 0) return files.map((name) => path.join(folder, name));
  throw new DataError(`The folder ${folder} has no file for a stream of ${kind}.`);
}

const fileForm = z
  .strictObject({
    /** How many files were finished. */
    file: place.count,
    /** Of the file at hand, as it was when it was opened. */
    name: z.string().nullable(),
    size: place.count.nullable(),
    /** Of the group at hand, and the samples taken out of it. */
    place: place.state,
    taken: place.count,
    given: z.boolean(),
    damaged: place.count,
  })
  .nullable();

class FileReader<T> implements Reader<T> {
  readonly #order: Int32Array | undefined;
  #at: z.output<typeof fileForm> & object;
  #groups: AsyncGenerator<Group<T>> | undefined;
  #group: Group<T> | undefined;

  constructor(
    private readonly files: readonly string[],
    private readonly format: FileFormat<T>,
    private readonly options: { onDamage: 'stop' | 'skip'; shuffleFiles: number | null },
    state: JsonValue,
    private readonly opening: Opening,
  ) {
    const start = { file: 0, name: null, size: null, place: null, taken: 0, given: false, damaged: 0 };
    this.#at = { ...(parseState(fileForm, state, `a stream of ${format.kind}`) ?? start) };
    const { shuffleFiles: seed } = options;
    if (seed !== null) this.#order = shuffledRange(files.length, 'files', seed, opening.epoch);
  }

  state(): JsonValue {
    return { ...this.#at };
  }

  async close(): Promise<void> {
    await this.#groups?.return(undefined);
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    const at = this.#at;
    for (;;) {
      const waits = turn();
      if (waits !== undefined) await waits;
      const group = this.#group;
      if (group === undefined) {
        if (at.file >= this.files.length) return this.#end();
        await this.#openGroup();
      } else if (at.taken < group.count) {
        const value = this.#orDamaged(() => group.sample(at.taken++));
        if (value === undefined) continue;
        at.given = true;
        return { done: false, value };
      } else {
        await this.#nextGroup(at.taken - group.count);
      }
    }
  }

  get #file(): string {
    const { file } = this.#at;
    return this.files[this.#order === undefined ? file : (this.#order[file] as number)] as string;
  }

  async #openGroup(): Promise<void> {
    const at = this.#at;
    const size = (await stat(this.#file).catch(() => undefined))?.size ?? null;
    if (at.name !== null && (at.name !== path.basename(this.#file) || at.size !== size)) {
      throw new CheckpointError(
        `The stream was at ${at.name} of ${at.size} bytes when its state was taken; there is ${this.#file} of ${size} now, so that the ` +
          'place cannot be found again. Give the files as they were, or begin anew.',
      );
    }
    at.name = path.basename(this.#file);
    at.size = size;
    this.#groups = this.format.read(this.#file, at.place, this.opening.signal);
    await this.#nextGroup(at.taken);
  }

  /** @param taken samples to leave out of what follows */
  async #nextGroup(taken: number): Promise<void> {
    const at = this.#at;
    const found = await this.#orDamagedFile((this.#groups as AsyncGenerator<Group<T>>).next());
    this.#group = found?.done === false ? found.value : undefined;
    if (this.#group !== undefined) Object.assign(at, { place: this.#group.place, taken });
    else Object.assign(at, { file: at.file + 1, name: null, size: null, place: null, taken: 0 });
  }

  #end(): IteratorResult<T, undefined> {
    const { given, damaged } = this.#at;
    if (given || damaged === 0) return ended;
    throw new DataError(`Not one sample could be read of ${this.files.length} files: ${damaged} were damaged.`);
  }

  #orDamaged(make: () => T | undefined): T | undefined {
    try {
      return make();
    } catch (error) {
      return this.#pass(error, 'It was passed over');
    }
  }

  #orDamagedFile(work: Promise<IteratorResult<Group<T>>>): Promise<IteratorResult<Group<T>> | undefined> {
    return work.catch((error: unknown) => this.#pass(error, 'The rest of the file was passed over'));
  }

  #pass(error: unknown, what: string): undefined {
    if (!(error instanceof DataError) || this.options.onDamage === 'stop') throw error;
    const count = ++this.#at.damaged;
    this.opening.onDamage({ file: this.#file, message: `${error.message}. ${what} (${count} so far).`, count });
  }
}
