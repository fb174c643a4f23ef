/** A slowly moving copy of a model's weights, which often does better than the weights themselves. */
import { types } from 'node:util';

import { ArgumentError, CheckpointError, DisposedError } from '../errors';
import { Module } from '../nn';
import { noGrad, scope, Tensor } from '../tensor';
import { foreach } from './foreach';

export interface ExponentialMovingAverageOptions {
  /** What an average keeps of itself at an update; from 0 to 1. Default 0.999. */
  decay?: number;
  /** Decays less at first: by (1 + n) / (10 + n) at update n, while that is less than `decay`. Default false. */
  warmup?: boolean;
  /** What becomes of a module's floating-point buffers, such as running means: taken as they are, or averaged. Others are always taken. Default `copy`. */
  buffers?: 'copy' | 'average';
}

export interface ExponentialMovingAverageState {
  /** Updates so far. */
  updates: number;
  /** By the module's names; by number where parameters were given. On the average's own memory. */
  averages: Map<string, Tensor>;
}

interface Pair {
  live: Tensor;
  average: Tensor;
  /** Taken as it is. */
  isCopied: boolean;
}

/**
 * Exponential moving averages of parameters:
 *
 *     const ema = new optim.ExponentialMovingAverage(net, { decay: 0.9999 });
 *     adam.step(); ema.update();
 *     const score = ema.averaged(() => evaluate(net));
 *
 * Averages begin as copies, in the parameters' dtype, and outlive every scope until `dispose()`. Source: Polyak and Juditsky 1992; the
 * update is that of `torch.optim.swa_utils.get_ema_multi_avg_fn`.
 */
export class ExponentialMovingAverage {
  readonly decay: number;
  readonly warmup: boolean;
  readonly #pairs = new Map<string, Pair>();
  #updates = 0;
  #swapped = false;
  #disposed = false;

  /**
   * @param source - a module, whose parameters and persistent buffers are averaged, or parameters
   * @throws ArgumentError for settings out of range, or nothing to average
   */
  constructor(source: Module | Iterable<Tensor>, options: ExponentialMovingAverageOptions = {}) {
    const { decay = 0.999, warmup = false, buffers = 'copy' } = options;
    if (!(typeof decay === 'number' && decay >= 0 && decay <= 1)) {
      throw new ArgumentError(`decay must be a number from 0 to 1, not ${String(decay)}.`);
    }
    if (typeof warmup !== 'boolean') throw new ArgumentError('warmup must be true or false.');
    if (buffers !== 'copy' && buffers !== 'average') {
      throw new ArgumentError(`buffers must be "copy" or "average", not ${JSON.stringify(buffers)}.`);
    }
    this.decay = decay;
    this.warmup = warmup;
    const named = source instanceof Module ? tensorsOf(source) : numbered(source);
    for (const [name, { live, isBuffer }] of named) {
      const isCopied = !live.dtype.includes('float') || (isBuffer && buffers === 'copy');
      const average = noGrad(() => live.detach().clone().keep());
      this.#pairs.set(name, { live, average, isCopied });
    }
    if (this.#pairs.size === 0) throw new ArgumentError('There is nothing to average: no parameter was given.');
  }

  /** Updates so far. */
  get updates(): number {
    return this.#updates;
  }

  /** Moves the averages towards the parameters. To be called after each of the optimiser's updates. */
  update(): void {
    this.#checkUsable('update()');
    this.#updates += 1;
    const decay = this.warmup ? Math.min(this.decay, (1 + this.#updates) / (10 + this.#updates)) : this.decay;
    quietly(() => {
      const [averaged, copied] = [this.#lists(false), this.#lists(true)];
      if (averaged.lives.length > 0) foreach.lerp_(averaged.averages, averaged.lives, 1 - decay);
      if (copied.lives.length > 0) foreach.copy_(copied.averages, copied.lives);
    });
  }

  /**
   * Runs `fn` with the averages in the place of the parameters, also until a promise that it gives has settled; then puts the parameters
   * back.
   */
  averaged<T>(fn: () => T): T {
    this.#checkUsable('averaged()');
    this.#swap();
    let result: T;
    try {
      result = fn();
    } catch (error) {
      this.#swap();
      throw error;
    }
    if (types.isPromise(result)) return result.finally(() => this.#swap()) as T;
    this.#swap();
    return result;
  }

  /** Makes the averages the parameters' values for good. */
  copyTo(): void {
    this.#checkUsable('copyTo()');
    quietly(() => {
      for (const { live, average } of this.#pairs.values()) live.copy_(average);
    });
  }

  stateDict(): ExponentialMovingAverageState {
    this.#checkUsable('stateDict()');
    const averages = new Map(Array.from(this.#pairs, ([name, { average }]) => [name, average.detach()]));
    return { updates: this.#updates, averages };
  }

  /** @throws CheckpointError when names or shapes differ; nothing has changed then */
  loadStateDict({ updates, averages }: ExponentialMovingAverageState): void {
    this.#checkUsable('loadStateDict()');
    if (!Number.isSafeInteger(updates) || updates < 0) {
      throw new CheckpointError(`The number of updates must be a whole number from 0 on, not ${String(updates)}.`);
    }
    for (const name of new Set([...this.#pairs.keys(), ...averages.keys()])) {
      const [own, given] = [this.#pairs.get(name)?.average.shape, averages.get(name)?.shape];
      if (own?.join() === given?.join()) continue;
      const text = (shape: number[] | undefined) => (shape === undefined ? 'missing' : `[${shape.join(', ')}]`);
      throw new CheckpointError(`${name} is ${text(own)} here and ${text(given)} in the state.`);
    }
    quietly(() => {
      for (const [name, { average }] of this.#pairs) average.copy_(averages.get(name)!);
    });
    this.#updates = updates;
  }

  #swap(): void {
    quietly(() => {
      for (const { live, average } of this.#pairs.values()) {
        const before = live.clone();
        live.copy_(average);
        average.copy_(before);
      }
    });
    this.#swapped = !this.#swapped;
  }

  #lists(isCopied: boolean): { lives: Tensor[]; averages: Tensor[] } {
    const pairs = [...this.#pairs.values()].filter((pair) => pair.isCopied === isCopied);
    return { lives: pairs.map(({ live }) => live), averages: pairs.map(({ average }) => average) };
  }

  #checkUsable(what: string): void {
    if (this.#disposed) throw new DisposedError('This ExponentialMovingAverage was disposed.');
    if (this.#swapped) throw new ArgumentError(`${what} cannot be called while averaged() runs.`);
  }

  /** Frees the averages now. The parameters stay. */
  dispose(): void {
    if (this.#swapped) throw new ArgumentError('dispose() cannot be called while averaged() runs.');
    this.#disposed = true;
    for (const { average } of this.#pairs.values()) average.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Values are moved, nothing is recorded, and nothing stays. */
function quietly(fn: () => void): void {
  scope(() => noGrad(fn));
}

type Named = Iterable<[name: string, { live: Tensor; isBuffer: boolean }]>;

function* tensorsOf(module: Module): Named {
  for (const [name, live] of module.namedParameters()) yield [name, { live, isBuffer: false }];
  for (const [name, live] of module.namedBuffers()) if (live.persistent) yield [name, { live, isBuffer: true }];
}

function* numbered(parameters: Iterable<Tensor>): Named {
  if (typeof parameters !== 'object' || parameters === null || !(Symbol.iterator in parameters)) {
    throw new ArgumentError('An average is of a module, or of a list of parameters.');
  }
  let index = 0;
  for (const live of parameters) {
    if (!(live instanceof Tensor)) throw new ArgumentError(`Only tensors can be averaged; number ${index} is none.`);
    yield [String(index++), { live, isBuffer: false }];
  }
}
