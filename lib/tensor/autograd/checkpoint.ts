/**
 * Activation checkpointing: what a function saves for its derivatives is forgotten, and computed again when the backward pass first
 * asks for any of it. After PyTorch's variant without reentrant passes: the function runs under hooks that keep an empty place for
 * each saved tensor; the second run fills the places in the same order.
 */
import { checkArgument } from '../../arguments';
import { ArgumentError, AutogradError } from '../../errors';
import { native, type Handle, type ObjectId } from '../../native';
import { applyModes, currentContext, type SavedTensorPacker, type Unpacker } from '../context';
import type { Device } from '../device';
import { isGradEnabled } from '../modes';
import { freeRngStates, readRngStates, writeRngStates, type RngStates } from '../random-state';
import { isThenable, scope } from '../scope';
import { Tensor, wrap } from '../tensor';
import { releaseHeld } from './callbacks';
import { packingBy } from './saved';

export interface CheckpointOptions {
  /** Runs the function the second time on the same random numbers. True unless given. */
  preserveRngState?: boolean;
  /** Ends the second run once everything is there. True unless given. */
  earlyStop?: boolean;
  /** `default` compares shape, dtype and device of what the two runs save; `none` trusts the function. */
  determinismCheck?: 'default' | 'none';
}

/** Thrown to end the second run. */
const enough = new Error('All that is needed has been computed again.');

/** A place for one saved tensor, filled once for each backward pass. */
class Place {
  readonly #filled = new Map<number, Handle>();

  fill(task: number, saved: Handle): void {
    this.#filled.set(task, saved);
  }

  take(task: number): Handle | undefined {
    const saved = this.#filled.get(task);
    this.#filled.delete(task);
    return saved;
  }

  clear(): void {
    for (const saved of this.#filled.values()) native.free(saved);
    this.#filled.clear();
  }
}

/** An argument as it waits for the second run: tensors as the graph saves them. */
type Argument = { saved: ObjectId } | { value: unknown };

/** One call of a checkpointed function. */
class Frame {
  readonly #run: (inputs: unknown[]) => unknown;
  readonly #modes = currentContext().modes;
  readonly #inputs: Argument[] = [];
  readonly #random: RngStates;
  readonly #options: Required<CheckpointOptions>;
  /** Undefined where the graph has let go of the saved tensor. */
  readonly #places: (Place | undefined)[] = [];
  readonly #descriptions: string[] = [];
  readonly #recomputed = new Set<number>();
  #wanted = 0;
  #complete = false;
  #outsideTask = -1;

  constructor(run: (inputs: unknown[]) => unknown, inputs: readonly unknown[], options: Required<CheckpointOptions>) {
    this.#run = run;
    this.#options = options;
    this.#random = readRngStates(options.preserveRngState ? devicesOf(inputs) : []);
    applyModes();
    try {
      for (const value of inputs) {
        this.#inputs.push(value instanceof Tensor ? { saved: native.saveTensor(value.handle) } : { value });
      }
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  /** The first run. */
  forward<T>(fn: () => T): T {
    try {
      return packingBy(
        (saved) => this.#pack(saved),
        this.#modes,
        () => scope(fn),
      );
    } finally {
      this.#complete = true;
      this.#endIfForgotten();
    }
  }

  #pack(saved: Handle): Unpacker {
    const index = this.#places.length;
    const place = new Place();
    this.#places.push(place);
    this.#wanted++;
    this.#descriptions.push(this.#describe(saved));
    native.free(saved);
    const release = () => {
      place.clear();
      this.#places[index] = undefined;
      this.#wanted--;
      this.#endIfForgotten();
    };
    return Object.assign((_: unknown, __: number, task: number) => this.#unpack(place, task), { release });
  }

  #unpack(place: Place, task: number): readonly [Handle] {
    const pass = task === -1 ? --this.#outsideTask : task;
    if (!this.#recomputed.has(pass)) this.#recompute(pass);
    const saved = place.take(pass);
    if (saved !== undefined) return [saved];
    throw new AutogradError(
      'checkpoint: a saved tensor is asked for twice in one backward pass. Read savedTensors once in a backward of your own.',
    );
  }

  /** The second run. */
  #recompute(pass: number): void {
    this.#recomputed.add(pass);
    const mismatches: string[] = [];
    let count = 0;
    const packer: SavedTensorPacker = (saved) => {
      const index = count++;
      if (index >= this.#places.length && this.#complete) throw this.#mismatch(`more than ${this.#places.length}`);
      const found = this.#describe(saved);
      if (index < this.#places.length && found !== this.#descriptions[index]) {
        mismatches.push(`saved tensor ${index} was ${this.#descriptions[index]}, and is now ${found}`);
      }
      this.#places[index]?.fill(pass, native.alias(saved));
      if (this.#options.earlyStop && count === this.#places.length) {
        native.free(saved);
        throw enough;
      }
      return keeping(saved);
    };
    const before = readRngStates(this.#random.keys());
    writeRngStates(this.#random);
    try {
      scope(() => {
        const inputs = this.#inputs.map((input) =>
          'saved' in input ? wrap(native.unpackTensor(input.saved)) : input.value,
        );
        packingBy(packer, this.#modes, () => this.#run(inputs));
      });
    } catch (error) {
      if (error !== enough) throw error;
    } finally {
      writeRngStates(before);
      freeRngStates(before);
      releaseHeld(); // the second run's own graph is gone
    }
    if (count < this.#places.length) throw this.#mismatch(String(count));
    if (mismatches.length > 0) {
      throw new AutogradError(
        `checkpoint: the function computed something else the second time: ${mismatches.join('; ')}.`,
      );
    }
  }

  #mismatch(count: string): AutogradError {
    return new AutogradError(
      `checkpoint: the function saved ${this.#places.length} tensors in the forward pass, and ${count} when it was run again. ` +
        'It must do the same both times.',
    );
  }

  #describe(saved: Handle): string {
    if (this.#options.determinismCheck === 'none') return '';
    return `${native.dtype(saved)} [${native.shape(saved).join(', ')}] on ${native.device(saved)}`;
  }

  #endIfForgotten(): void {
    if (this.#complete && this.#wanted === 0) this.#end();
  }

  #end(): void {
    for (const input of this.#inputs.splice(0)) if ('saved' in input) native.objectFree(input.saved);
    freeRngStates(this.#random);
  }
}

/** Keeps a saved tensor as it is. */
function keeping(saved: Handle): Unpacker {
  return Object.assign((): readonly [Handle] => [native.alias(saved)], { release: () => native.free(saved) });
}

function devicesOf(inputs: readonly unknown[]): Device[] {
  const cuda = inputs.flatMap((input) => (input instanceof Tensor && input.device !== 'cpu' ? [input.device] : []));
  return ['cpu', ...cuda];
}

/**
 * Runs `fn(...inputs)` without keeping what its derivatives need; the backward pass runs it again, under the modes and on the random
 * numbers of the first time. Saves memory for time. May be nested. Everything `fn` makes is freed except what it returns.
 *
 * Tensors that `fn` needs are to be given as `inputs`, or live as long as the graph does (parameters). `fn` must not be asynchronous,
 * and must do the same both times.
 * @throws AutogradError in the backward pass, when `fn` saved other tensors the second time, or an input was changed in place
 */
export function checkpoint<Inputs extends readonly unknown[], T>(fn: (...inputs: Inputs) => T, ...inputs: Inputs): T;
export function checkpoint<Inputs extends readonly unknown[], T>(
  options: CheckpointOptions,
  fn: (...inputs: Inputs) => T,
  ...inputs: Inputs
): T;
export function checkpoint(...given: readonly unknown[]): unknown {
  const withOptions = typeof given[0] !== 'function';
  const options = (withOptions ? given[0] : {}) as CheckpointOptions;
  const [fn, ...inputs] = (withOptions ? given.slice(1) : given) as [(...inputs: unknown[]) => unknown, ...unknown[]];
  if (withOptions) checkArgument(options, 'object', 'The options of checkpoint');
  checkArgument(fn, 'function', 'What checkpoint is to run');
  const run = (values: readonly unknown[]) => {
    const result = fn(...values);
    if (isThenable(result)) throw new ArgumentError('checkpoint: the function must not be asynchronous.');
    return result;
  };
  if (!isGradEnabled()) return scope(() => run(inputs));
  const { preserveRngState = true, earlyStop = true, determinismCheck = 'default' } = options;
  return new Frame(run, inputs, { preserveRngState, earlyStop, determinismCheck }).forward(() => run(inputs));
}
