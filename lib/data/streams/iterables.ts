/** Streams of whatever can be iterated: generators, Node streams, arrays. */
import { z } from 'zod';

import { checkArgument } from '../../arguments';
import { AbortError, ArgumentError } from '../../errors';
import { turn } from './event-loop';
import { ended, parseState, place, type Reader, type Source } from './source';

export interface IterableOpening {
  /** Samples to leave out from the beginning; 0 unless the stream is `seekable`. */
  start: number;
  /** Passes over the data before this one. */
  epoch: number;
  signal: AbortSignal | undefined;
}

export interface IterableOptions {
  /**
   * The function begins at sample `start` by itself, as a database cursor or a request with a range can. Default false: on resuming, samples
   * are read from the beginning and dropped.
   */
  seekable?: boolean;
}

const stateForm = z.strictObject({ taken: place.count }).nullable();

/** Reads no sample before it is asked for, so that a Node stream's own buffer is all that is held. */
export function iterableSource<T>(
  open: (opening: IterableOpening) => AsyncIterable<T> | Iterable<T>,
  { seekable = false }: IterableOptions = {},
): Source<T> {
  checkArgument(open, 'function', 'What opens the samples, such as () => fs.createReadStream(file),');
  return {
    description: { kind: 'iterable' },
    open(state, { epoch, signal }) {
      const { taken: start } = parseState(stateForm, state, 'a stream of an iterable') ?? { taken: 0 };
      const iterate = (): OpenIterable<T> => openIterable(open({ start: seekable ? start : 0, epoch, signal }));
      return new IterableReader(iterate, start, seekable ? 0 : start, signal);
    },
  };
}

interface OpenIterable<T> {
  next(): Promise<IteratorResult<T, unknown>> | IteratorResult<T, unknown>;
  close(): void;
}

class IterableReader<T> implements Reader<T> {
  #iterable: OpenIterable<T> | undefined;

  constructor(
    private readonly open: () => OpenIterable<T>,
    private taken: number,
    private left: number,
    private readonly signal: AbortSignal | undefined,
  ) {}

  state = () => ({ taken: this.taken });

  async next(): Promise<IteratorResult<T, undefined>> {
    const iterable = (this.#iterable ??= this.open());
    for (;;) {
      const waits = turn();
      if (waits !== undefined) await waits;
      const { done, value } = await abortable(iterable.next(), this.signal);
      if (done) return ended;
      if (this.left > 0) {
        this.left--;
        continue;
      }
      this.taken++;
      return { done: false, value };
    }
  }

  close(): Promise<void> {
    this.#iterable?.close();
    return Promise.resolve();
  }
}

function openIterable<T>(iterable: AsyncIterable<T> | Iterable<T>): OpenIterable<T> {
  const given: Partial<AsyncIterable<T> & Iterable<T> & { destroy(): void }> = Object(iterable) as object;
  const iterator = given[Symbol.asyncIterator]?.() ?? given[Symbol.iterator]?.();
  if (iterator === undefined)
    throw new ArgumentError('What a stream is opened with must give something that can be iterated.');
  return {
    next: () => iterator.next(),
    close() {
      // A Node stream that waits for data would never come to `return`.
      if (typeof given.destroy === 'function') given.destroy();
      else void Promise.resolve(iterator.return?.()).catch(() => {});
    },
  };
}

/** Waits for the work or the signal, whichever comes first. */
function abortable<T>(work: Promise<T> | T, signal: AbortSignal | undefined): Promise<T> | T {
  if (signal === undefined) return work;
  const aborted = () => new AbortError('reading a stream of samples was aborted', { cause: signal.reason });
  if (signal.aborted) throw aborted();
  if (!(work instanceof Promise)) return work;
  let stop: () => void;
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(aborted());
    signal.addEventListener('abort', stop, { once: true });
  });
  return Promise.race([work, stopped]).finally(() => signal.removeEventListener('abort', stop));
}
