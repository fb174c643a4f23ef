/** The runs that are watched: those that are there, and those that come. */
import path from 'node:path';

import { findRuns, Run } from '../curves';

/** Folders are looked through for new runs this often; known runs are read at every look. */
const findMs = 2000;
/** Files read at the same time. */
const atOnce = 8;

export class WatchedRun extends Run {
  /** @param id names the run in addresses, whatever its folder is called */
  constructor(
    readonly id: string,
    folder: string,
    name: string,
  ) {
    super(folder, name);
  }
}

export class Watcher {
  readonly #folders: readonly string[];
  /** By folder; in the order in which they came, which their colours follow. */
  readonly #runs = new Map<string, WatchedRun>();
  #count = 0;
  #found = -Infinity;
  #waiting: readonly string[];
  #looking: Promise<void> | undefined;

  /** @param folders of runs, or of comparisons and sweeps that hold runs; they need not be there yet */
  constructor(folders: readonly string[]) {
    this.#folders = [...new Map(folders.map((folder) => [path.resolve(folder), folder])).values()];
    this.#waiting = this.#folders;
  }

  get runs(): WatchedRun[] {
    return [...this.#runs.values()];
  }

  /** Given folders in which no run is yet. */
  get waiting(): readonly string[] {
    return this.#waiting;
  }

  run(id: string): WatchedRun | undefined {
    return this.runs.find((run) => run.id === id);
  }

  /** Reads whatever is new. Never throws. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #look(): Promise<void> {
    if (performance.now() - this.#found >= findMs) await this.#find();
    const waiting = this.runs;
    const worker = async () => {
      for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) await run.look();
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
  }

  async #find(): Promise<void> {
    const found = await Promise.all(this.#folders.map((folder) => findRuns(folder)));
    this.#waiting = this.#folders.filter((_, index) => found[index]!.length === 0);
    const there = new Set<string>();
    this.#folders.forEach((folder, index) => {
      for (const run of found[index]!) {
        const key = path.resolve(run);
        there.add(key);
        if (!this.#runs.has(key))
          this.#runs.set(key, new WatchedRun(String(++this.#count), run, this.#name(folder, run)));
      }
    });
    for (const key of this.#runs.keys()) if (!there.has(key)) this.#runs.delete(key);
    this.#found = performance.now();
  }

  /** The path inside the given folder; where several are given, that folder's own name before it. */
  #name(folder: string, run: string): string {
    const inside = path.relative(folder, run).split(path.sep).join('/');
    const own = path.basename(path.resolve(folder));
    if (inside === '') return own;
    return this.#folders.length === 1 ? inside : `${own}/${inside}`;
  }
}
