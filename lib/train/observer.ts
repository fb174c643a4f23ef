/** Who is told a training's events before its reader: observers and listeners. */
import { AsyncLocalStorage } from 'node:async_hooks';

import { ArgumentError, ObserverError, TorchwrightError } from '../errors';
import type { TrainEvent } from './events';
import type { Training } from './training';

type Handler = (event: TrainEvent, training: Training) => void | Promise<void>;

/**
 * Is told every event, in order, before the iterator's reader gets it; training waits for its promise. What it throws stops the training
 * with that error. Inside it, `training.checkpoint()`, `pause()` and `stop()` may be awaited: training then no longer waits for this call.
 */
export type TrainObserver =
  | Handler
  | {
      onEvent: Handler;
      /** Puts what was told into files, where some is held back: called before each checkpoint, which must not be ahead of them. */
      flush?(): void | Promise<void>;
      /** Called once, however training ended. */
      close?(): void | Promise<void>;
    };

/** Lets training go on while an observer waits for what only training can do. */
const release = new AsyncLocalStorage<() => void>();

/** An observer or listener that asks for something must not be waited for until it is done. */
export function stopWaitingForCaller(): void {
  release.getStore()?.();
}

/** What has listeners, as an EventEmitter has. */
interface Listened {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-function-type -- as Node's types have it
  rawListeners(name: TrainEvent['type'] | 'event'): Function[];
}

/** Tells the events. */
export class Audience {
  readonly #training: Training & Listened;
  readonly #observers: readonly TrainObserver[];
  /** Calls that have not ended; some of them are no longer waited for, until the end. */
  readonly #pending = new Set<Promise<void>>();
  #failure: { error: unknown } | null = null;

  /** @throws ArgumentError for what is not an observer */
  constructor(training: Training & Listened, observers: readonly TrainObserver[]) {
    for (const [index, observer] of observers.entries()) {
      if (typeof observer === 'function' || typeof (observer as { onEvent?: unknown } | null)?.onEvent === 'function')
        continue;
      throw new ArgumentError(`observers[${index}] is neither a function nor an object with onEvent(event, trainer).`);
    }
    this.#training = training;
    this.#observers = [...observers];
  }

  /** @throws what an observer or listener throws */
  async tell<Event extends TrainEvent>(event: Event): Promise<Event> {
    for (const [index, observer] of this.#observers.entries()) {
      const call = () =>
        typeof observer === 'function' ? observer(event, this.#training) : observer.onEvent(event, this.#training);
      await this.#wait(nameOf(observer, index), event.type, call);
    }
    for (const name of [event.type, 'event'] as const) {
      for (const listener of this.#training.rawListeners(name)) {
        const call = () => (listener as Handler).call(this.#training, event, this.#training);
        await this.#wait(`A listener of '${name}'`, event.type, call);
      }
    }
    return event;
  }

  /** @throws what an observer throws */
  async flush(): Promise<void> {
    for (const [index, observer] of this.#observers.entries()) {
      if (typeof observer === 'function' || observer.flush === undefined) continue;
      await this.#wait(nameOf(observer, index), 'flush', () => observer.flush?.());
    }
  }

  /** Closes the observers, all of them even if one fails. @throws what the first one that fails throws */
  async close(): Promise<void> {
    for (const [index, observer] of this.#observers.entries()) {
      if (typeof observer === 'function') continue;
      try {
        await observer.close?.();
      } catch (error) {
        this.#failure ??= { error: named(error, nameOf(observer, index), 'close') };
      }
    }
    this.#throwFailure();
  }

  /** Waits for those that training did not wait for. @throws what the first one that fails throws */
  async settle(): Promise<void> {
    await Promise.all(this.#pending);
    this.#throwFailure();
  }

  async #wait(name: string, type: string, call: () => void | Promise<void>): Promise<void> {
    this.#throwFailure();
    let letGo!: () => void;
    const released = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const done = (async () => release.run(letGo, call))().catch((error: unknown) => {
      this.#failure ??= { error: named(error, name, type) };
    });
    this.#pending.add(done);
    void done.then(() => this.#pending.delete(done));
    await Promise.race([done, released]);
    this.#throwFailure();
  }

  #throwFailure(): void {
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) throw failure.error;
  }
}

function nameOf(observer: TrainObserver, index: number): string {
  const name = typeof observer === 'function' ? observer.name : (observer.constructor as { name?: string }).name;
  return name === undefined || name === '' || name === 'Object' ? `Observer ${index}` : `The observer ${name}`;
}

/** Errors of this package say themselves what went wrong. */
function named(error: unknown, name: string, type: string): unknown {
  if (error instanceof TorchwrightError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const at =
    type === 'close' ? 'was closed, after the training had ended' : `was told '${type}', which stopped the training`;
  return new ObserverError(`${name} failed as it ${at}: ${message}`, { cause: error });
}
