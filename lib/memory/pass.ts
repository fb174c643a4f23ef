/** Follows what a pass through a model holds, tensor by tensor, from sizes alone: the native side's steps, replayed without numbers. */

/** What memory is held for. */
export type Part = 'weights' | 'gradients' | 'optimizer' | 'activations' | 'loss';

/** Bytes, by what they are held for. */
export type Parts = Record<Part, number>;

/** A tensor's memory. */
export interface Held {
  readonly part: Part;
  /** 0 when it was given back. */
  bytes: number;
  /** It is given back when the last of them lets go. */
  holders: number;
}

/**
 * One forward pass, with a backward pass behind it in training. Sizes are in bytes.
 *
 * A step that has something to do in the backward pass says so with `later`; such steps run in reverse, as autograd runs its nodes.
 */
export class Pass {
  readonly #live: Parts = { weights: 0, gradients: 0, optimizer: 0, activations: 0, loss: 0 };
  #total = 0;
  #peak = { total: 0, parts: { ...this.#live } };
  #recording: boolean;
  #tape: (() => void)[] = [];
  #part: Part = 'activations';
  readonly #gradients = new Set<string>();

  /** @param training whether a backward pass follows */
  constructor(readonly training: boolean) {
    this.#recording = training;
  }

  /** Whether what the backward pass needs is kept. */
  get recording(): boolean {
    return this.#recording;
  }

  /** The most there has been, and of what. */
  get peak(): { total: number; parts: Parts } {
    return this.#peak;
  }

  /** Takes memory: for what the pass is at, unless it is said. */
  hold(bytes: number, part = this.#part): Held {
    this.#live[part] += bytes;
    this.#total += bytes;
    if (this.#total > this.#peak.total) this.#peak = { total: this.#total, parts: { ...this.#live } };
    return { part, bytes, holders: 1 };
  }

  /** Gives memory back; what was given back before stays so. */
  release(...all: (Held | undefined)[]): void {
    for (const held of all) {
      if (held === undefined || --held.holders > 0) continue;
      this.#live[held.part] -= held.bytes;
      this.#total -= held.bytes;
      held.bytes = 0;
    }
  }

  /** Memory of a moment. */
  passing(bytes: number): void {
    this.release(this.hold(bytes));
  }

  /** A parameter's gradient, which stays; a further one is added to it and is gone. */
  gradient(parameter: string, bytes: number): void {
    const held = this.hold(bytes, 'gradients');
    if (this.#gradients.has(parameter)) this.release(held);
    else this.#gradients.add(parameter);
  }

  /** Gives back what only a backward pass would need. */
  releaseUnlessRecorded(...all: (Held | undefined)[]): void {
    if (!this.#recording) this.release(...all);
  }

  /** What is to be done in the backward pass; nothing where there is none. */
  later(step: () => void): void {
    if (this.#recording) this.#tape.push(step);
  }

  /** Does it. */
  backward(): void {
    for (let step = this.#tape.pop(); step !== undefined; step = this.#tape.pop()) step();
  }

  /** Runs `step` with its memory counted for `part`, in the backward pass too. */
  for<T>(part: Part, step: () => T): T {
    const before = this.#part;
    const run = <R>(body: () => R): R => {
      const outside = this.#part;
      this.#part = part;
      const result = body();
      this.#part = outside;
      return result;
    };
    const own: (() => void)[] = [];
    const tape = this.#tape;
    this.#tape = own;
    const result = run(step);
    this.#tape = tape;
    this.#part = before;
    for (const each of own) tape.push(() => run(each));
    return result;
  }

  /**
   * Activation checkpointing: `segment` runs without keeping anything but what it gives, and again, keeping all, before its backward pass.
   * @param again is given the result of the second run, whose memory is of no use
   */
  checkpointed<T>(segment: () => T, again: (result: T) => void): T {
    if (!this.#recording) return segment();
    this.#recording = false;
    const result = segment();
    this.#recording = true;
    this.later(() => {
      const outer = this.#tape;
      this.#tape = [];
      again(segment());
      this.backward();
      this.#tape = outer;
    });
    return result;
  }
}
