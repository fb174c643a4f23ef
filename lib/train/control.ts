/** What is asked of a training while it runs, from anywhere in the process; the training answers between two steps. */
import { ArgumentError } from '../errors';
import type { EndEvent } from './events';

interface Waiting<T> {
  resolve: (value: T) => void;
  reject: (error: unknown) => void;
}

export class Control {
  #paused = false;
  #pauses: Waiting<void>[] = [];
  #checkpoints: Waiting<string>[] = [];
  #ends: Waiting<EndEvent>[] = [];
  #wake: (() => void) | undefined;
  readonly #stop = new AbortController();

  get paused(): boolean {
    return this.#paused;
  }

  get stopping(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Raised when training is to end in good order: who waits for data then waits no longer. */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  /** Resolves when training rests, or goes on again before it did. */
  pause(): Promise<void> {
    // Who asked it to stop must not wait for somebody who lets it go on.
    this.#paused = !this.stopping;
    const rest = new Promise<void>((resolve, reject) => this.#pauses.push({ resolve, reject }));
    this.#wake?.();
    return rest;
  }

  continue(): void {
    this.#paused = false;
    this.rests();
    this.#wake?.();
  }

  /** Resolves when training has ended in good order. */
  stop(): Promise<EndEvent> {
    this.#stop.abort();
    this.continue();
    return new Promise((resolve, reject) => this.#ends.push({ resolve, reject }));
  }

  /** Resolves to the checkpoint's folder. */
  checkpoint(): Promise<string> {
    const folder = new Promise<string>((resolve, reject) => this.#checkpoints.push({ resolve, reject }));
    this.#wake?.();
    return folder;
  }

  /** Those who asked for a checkpoint and have none yet; they are the caller's now. */
  takeCheckpoints(): readonly Waiting<string>[] {
    const taken = this.#checkpoints;
    this.#checkpoints = [];
    return taken;
  }

  /** Training rests. */
  rests(): void {
    for (const { resolve } of this.#pauses.splice(0)) resolve();
  }

  /** Rests until something is asked, or the signal is raised. */
  async change(signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return;
    this.rests();
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      signal?.addEventListener('abort', this.#wake);
    });
    signal?.removeEventListener('abort', this.#wake!);
    this.#wake = undefined;
  }

  /** Training is over: nothing else that is still asked will be done. @param error - what ended it, if it was not in good order */
  end(end: EndEvent, error: unknown): void {
    for (const { resolve, reject } of this.#ends.splice(0)) {
      if (error === undefined) resolve(end);
      else reject(error);
    }
    const refusal = error ?? new ArgumentError('The training is over.');
    for (const { reject } of [...this.#pauses.splice(0), ...this.takeCheckpoints()]) reject(refusal);
  }
}
