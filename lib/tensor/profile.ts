/** Libtorch's profiler: which operators ran, when, and for how long. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';

import { checkArgument } from '../arguments';
import { StorageError, VersionError } from '../errors';
import { makeFolder } from '../files';
import { native, type ObjectId } from '../native';

export interface ProfileOptions {
  /** Record the shapes of operators' inputs too. Default false. */
  shapes?: boolean;
  /** Record what is allocated and freed too. Default false. */
  memory?: boolean;
}

/**
 * Records the operators that run while `work` does, forward and backward, on this thread and in the jobs that it starts, and writes them as
 * a Chrome trace, for chrome://tracing or https://ui.perfetto.dev:
 *
 *     await torch.profile('trace.json', () => model.loss(ids).backward());
 *
 * The trace is written however `work` ends. Recording takes time of its own, and memory for every operator: keep it short.
 *
 * @returns what `work` gives
 * @throws VersionError where libtorch was built without its profiler; ArgumentError while another recording goes on in this process;
 *   StorageError; whatever `work` throws
 */
export async function profile<T>(file: string, work: () => T | Promise<T>, options: ProfileOptions = {}): Promise<T> {
  checkArgument(work, 'function', 'The work to profile');
  const recording = await Recording.start(file, options);
  try {
    return await work();
  } finally {
    await recording.stop();
  }
}

/** A recording that goes on until it is stopped. */
export class Recording {
  readonly #file: string;
  readonly #id: ObjectId;

  private constructor(file: string, id: ObjectId) {
    this.#file = file;
    this.#id = id;
  }

  /** @throws as `profile` does */
  static async start(file: string, { shapes = false, memory = false }: ProfileOptions = {}): Promise<Recording> {
    checkArgument(file, 'string', 'The file of a trace');
    await makeFolder(path.dirname(file));
    if (!native.profilerExists())
      throw new VersionError(
        `libtorch ${native.versions().loaded} as it is loaded here was built without Kineto, its profiler, so that no trace can be recorded. ` +
          'The official builds have it; `npx torchwright doctor` says which one is loaded.',
      );
    return new Recording(file, native.profileStart(shapes, memory));
  }

  /** Ends it, writes the trace and resolves when that is done. @throws StorageError */
  async stop(): Promise<void> {
    const temporary = `${this.#file}.${randomBytes(4).toString('hex')}.tmp`;
    try {
      await native.profileStop(this.#id, temporary);
      await fs.rename(temporary, this.#file);
    } catch (error) {
      await fs.rm(temporary, { force: true });
      throw new StorageError(`The trace ${this.#file} cannot be written: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
}
