/** A file that grows while a training goes on: what is added gathers in memory, and reaches the file off the training's way. */
import fs from 'node:fs/promises';

import { StorageError } from '../../errors';

/** Somebody may be watching the file. */
const writeEveryMs = 1000;

/** More than this is not held back. */
const mostBytes = 1 << 20;

/** Holds whole pieces alone: what was written of some that did not fit is taken back, and they are written again later. */
export class AppendedFile {
  readonly #handle: fs.FileHandle;
  readonly #onFailure: (error: StorageError) => void;
  #length: number;
  /** How much of it would outlive a loss of power. */
  #synced: number;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #lastWrite = performance.now();
  /** Settles when the writes asked for so far have ended, however. */
  #writing: Promise<unknown> = Promise.resolve();
  #isWriting = false;
  #failure: StorageError | undefined;

  private constructor(
    readonly path: string,
    handle: fs.FileHandle,
    length: number,
    onFailure: (error: StorageError) => void,
  ) {
    this.#handle = handle;
    this.#length = this.#synced = length;
    this.#onFailure = onFailure;
  }

  /**
   * Opens a file, made if need be, to go on at its end.
   *
   * @param onFailure - is told of a write that failed, and may throw; what it did not write is written the next time
   * @throws StorageError
   */
  static async open(path: string, onFailure: (error: StorageError) => void): Promise<AppendedFile> {
    const there = await fs.stat(path).catch(() => undefined);
    try {
      // Not for appending, which would write after half a piece: where it stood, it is written again.
      return new AppendedFile(path, await fs.open(path, there ? 'r+' : 'wx+'), there?.size ?? 0, onFailure);
    } catch (error) {
      throw refused(path, error);
    }
  }

  /** Adds a piece. Now and then it sets off a write, for which nobody waits. @throws what `onFailure` throws of an earlier one */
  add(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    this.#tellFailure();
    const isDue = performance.now() - this.#lastWrite >= writeEveryMs || this.#bytes >= mostBytes;
    if (isDue && !this.#isWriting) void this.#write();
  }

  /** Resolves when all that was added is on the disk. @throws what `onFailure` throws */
  async flush(): Promise<void> {
    if (this.#bytes > 0 || this.#isWriting || this.#synced < this.#length) await this.#write(true);
    this.#tellFailure();
  }

  async close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      await this.#handle.close();
    }
  }

  #write(sync = false): Promise<void> {
    this.#isWriting = true;
    const write = this.#writing.then(async () => {
      this.#lastWrite = performance.now();
      const count = this.#pieces.length;
      const bytes = Buffer.concat(this.#pieces);
      try {
        await writeAll(this.#handle, bytes, this.#length);
        if (sync) await this.#handle.datasync();
        this.#length += bytes.length;
        if (sync) this.#synced = this.#length;
        this.#bytes -= bytes.length;
        this.#pieces = this.#pieces.slice(count);
      } catch (error) {
        this.#failure = refused(this.path, error);
        await this.#handle.truncate(this.#length).catch(() => undefined);
      } finally {
        this.#isWriting = false;
      }
    });
    this.#writing = write;
    return write;
  }

  #tellFailure(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) this.#onFailure(failure);
  }
}

/** The system may take less than it is given. */
async function writeAll(handle: fs.FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

const refused = (path: string, error: unknown) =>
  new StorageError(`${path} cannot be written: ${(error as Error).message}`, { cause: error });
