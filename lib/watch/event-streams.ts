/** Tells all open pages what is new, as server-sent events. Runs are looked at only while somebody watches. */
import type { ServerResponse } from 'node:http';

import { summariesOf } from './summary';
import type { Watcher } from './watcher';

/** Between two looks at the files. */
const lookMs = 1000;
/** Even without news, so that readers learn how long a run has been silent, and that the server lives. */
const saySomethingMs = 15_000;

export class EventStreams {
  readonly #watcher: Watcher;
  readonly #open = new Set<ServerResponse>();
  #timer: NodeJS.Timeout | undefined;
  #told = '';
  #toldAt = 0;

  constructor(watcher: Watcher) {
    this.#watcher = watcher;
  }

  /** Takes a response over until its reader leaves. */
  add(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    this.#open.add(response);
    response.on('close', () => {
      this.#open.delete(response);
      if (this.#open.size === 0) this.#stop();
    });
    response.write(this.#event());
    this.#timer ??= setInterval(() => this.#tick(), lookMs);
    this.#tick();
  }

  close(): void {
    this.#stop();
    for (const response of this.#open) response.end();
    // A look that is under way still tells what it finds.
    this.#open.clear();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** A first look at a long run takes seconds: what is read of it is told meanwhile. */
  #tick(): void {
    void this.#watcher.look().then(() => this.#tell());
    this.#tell();
  }

  #tell(): void {
    const { runs, waiting } = this.#watcher;
    const now = JSON.stringify([runs.map(({ id, version }) => [id, version]), waiting]);
    if (now === this.#told && performance.now() - this.#toldAt < saySomethingMs) return;
    [this.#told, this.#toldAt] = [now, performance.now()];
    const event = this.#event();
    // Who reads slowly gets the next news, not all of them.
    for (const response of this.#open) if (!response.writableNeedDrain) response.write(event);
  }

  #event(): string {
    return `data: ${JSON.stringify(stateOf(this.#watcher))}\n\n`;
  }
}

/** All runs, and the given folders that hold none yet. */
export const stateOf = ({ runs, waiting }: Watcher) => ({ runs: summariesOf(runs), waiting });
