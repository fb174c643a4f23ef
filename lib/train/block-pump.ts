/** Reads blocks ahead of the training into a native queue, and knows where in the stream each batch begins. */
import { checkIds, type streams } from '../data';
import { DataError } from '../errors';
import type { JsonValue } from '../json';
import { native } from '../native';
import { NativeObject } from '../tensor';
import type { LanguageModel } from './model';

export interface BlockPumpOptions {
  batchSize: number;
  /** Batches that wait at most. */
  ahead: number;
  model: LanguageModel;
}

export class BlockPump {
  readonly queue: NativeObject;
  readonly #reader: streams.StreamReader<ArrayLike<number>>;
  readonly #options: BlockPumpOptions;
  /** Where the batches that wait begin; at the end where the next one does. */
  readonly #starts: JsonValue[];
  #blockSize: number | undefined;
  #failure: Error | undefined;
  #isOver = false;
  #changed = change();

  constructor(reader: streams.StreamReader<ArrayLike<number>>, options: BlockPumpOptions) {
    this.#reader = reader;
    this.#options = options;
    this.#starts = [reader.state()];
    this.queue = new StreamQueue(native.blockQueueCreate(options.model.vocabSize, options.model.device), () =>
      this.#stop(),
    );
    void this.#run();
  }

  /** Where the next batch to be taken begins. */
  get state(): JsonValue {
    return this.#starts[0] as JsonValue;
  }

  /**
   * Waits for so many batches, fewer at the end of the stream, and counts them as taken. None where it is stopped before they are there.
   * @throws what reading the stream threw
   */
  async take(wanted: number, stopped: AbortSignal): Promise<number> {
    const wake = () => this.#tell();
    stopped.addEventListener('abort', wake);
    while (this.#waiting < wanted && !this.#isOver && !stopped.aborted) await this.#changed.promise;
    stopped.removeEventListener('abort', wake);
    if (this.#waiting < wanted && !this.#isOver) return 0;
    const count = Math.min(wanted, this.#waiting);
    if (count < wanted && this.#failure !== undefined) throw this.#failure;
    this.#starts.splice(0, count);
    this.#tell();
    return count;
  }

  get #waiting(): number {
    return this.#starts.length - 1;
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        while (this.#waiting >= this.#options.ahead && !this.#isOver) await this.#changed.promise;
        if (this.#isOver) break;
        const blocks = await this.#read();
        if (this.#isOver || blocks.length === 0) break;
        native.blockQueuePut(this.queue.id, joined(blocks), blocks.length);
        this.#starts.push(this.#reader.state());
        this.#tell();
        if (blocks.length < this.#options.batchSize) break;
      }
    } catch (error) {
      this.#failure = error as Error;
    } finally {
      this.#isOver = true;
      this.#tell();
      // All that was wanted of it is read.
      await this.#reader.return().catch(() => {});
    }
  }

  /** The blocks of a batch: fewer at the end of the stream. */
  async #read(): Promise<ArrayLike<number>[]> {
    const blocks: ArrayLike<number>[] = [];
    while (blocks.length < this.#options.batchSize) {
      const { done, value } = await this.#reader.next();
      if (done) break;
      this.#check(value);
      blocks.push(value);
    }
    return blocks;
  }

  #check(block: unknown): void {
    const length = (block as ArrayLike<number> | null)?.length;
    const isBig = block instanceof BigInt64Array || block instanceof BigUint64Array;
    if (typeof length !== 'number' || typeof block === 'string' || isBig)
      throw new DataError(
        'The stream gives no blocks of token ids: say streams.tokenize(texts, tokenizer).pack({ blockSize }).',
      );
    this.#blockSize ??= length;
    const isWhole = ArrayBuffer.isView(block) && !(block instanceof Float32Array || block instanceof Float64Array);
    if (!isWhole) checkIds(block as number[], this.#options.model.vocabSize);
    if (length < 2) throw new DataError('In a block of one token there is nothing to predict one from.');
    if (length === this.#blockSize) return;
    throw new DataError(
      `The stream gives blocks of ${this.#blockSize} and of ${length} tokens; all must have as many: say stream.pack({ blockSize }).`,
    );
  }

  #stop(): void {
    this.#isOver = true;
    this.#tell();
    // Where a source waits for data that may never come, this ends the waiting.
    void this.#reader.return().catch(() => {});
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = change();
  }
}

/** A promise, and what settles it. */
function change(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

function joined(blocks: readonly ArrayLike<number>[]): Uint32Array {
  const blockSize = blocks[0]?.length ?? 0;
  const ids = new Uint32Array(blocks.length * blockSize);
  blocks.forEach((block, index) => ids.set(block, index * blockSize));
  return ids;
}

/** The native queue, whose end ends the reading. */
class StreamQueue extends NativeObject {
  readonly #stop: () => void;

  constructor(id: number, stop: () => void) {
    super(id, 'queue of blocks');
    this.#stop = stop;
  }

  override dispose(): void {
    this.#stop();
    super.dispose();
  }
}
