/**
 * What a step changes before its update: random generators that it draws from, and buffers such as a batch norm's means. A step that is
 * broken off is undone, so that what is saved then is the last whole step.
 */
import type { Module } from '../../nn';
import { noGrad, scope, type Device, type Tensor } from '../../tensor';
import { readRandom, writeRandom, type RandomStates } from './random-state';

export class StepBeginning implements Disposable {
  readonly #generators: readonly Device[];
  readonly #buffers: { live: Tensor; copy: Tensor }[];
  #random: RandomStates = new Map();

  constructor(model: Module, generators: readonly Device[]) {
    this.#generators = generators;
    const persistent = [...model.buffers()].filter((buffer) => buffer.persistent);
    this.#buffers = noGrad(() => persistent.map((live) => ({ live, copy: live.clone().keep() })));
  }

  /** Between two steps, or before the first one. */
  remember(): void {
    this.#forgetRandom();
    this.#random = scope(() => {
      const random = readRandom(this.#generators);
      for (const state of random.values()) state.keep();
      return random;
    });
    noGrad(() => scope(() => this.#buffers.forEach(({ live, copy }) => copy.copy_(live))));
  }

  /** Makes everything as it was when it was last remembered. */
  putBack(): void {
    writeRandom(this.#generators, this.#random);
    noGrad(() => scope(() => this.#buffers.forEach(({ live, copy }) => live.copy_(copy))));
  }

  #forgetRandom(): void {
    for (const state of this.#random.values()) state.dispose();
    this.#random = new Map();
  }

  [Symbol.dispose](): void {
    this.#forgetRandom();
    for (const { copy } of this.#buffers) copy.dispose();
  }
}
