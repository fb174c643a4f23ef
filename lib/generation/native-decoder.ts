/** A model's own decoder: keys and values of what was read are kept, and each step is a job on the compute thread. */
import { native, type NativeDecodingFeed, type NativeDrawn, type ObjectId } from '../native';
import type { NativeModule } from '../nn';
import { NativeObject, withSignal, wrap, type Tensor } from '../tensor';
import type { Decoder, DecoderCandidates, DecoderDraw, DecoderStep } from './decoder';

export interface DecodingSize {
  sentences: number;
  /** Rows of each sentence. */
  width: number;
  /** Tokens of a row for which room is made at first; more are possible. */
  capacity: number;
  vocabSize: number;
}

export class NativeDecoder implements Decoder, Disposable {
  readonly #free: () => void;

  private constructor(
    readonly vocabSize: number,
    private readonly model: NativeModule,
    private readonly decoding: NativeObject,
    private readonly signal: AbortSignal | undefined,
  ) {
    // At once, even where nobody asks for the next step any more; but a signal that lives long keeps no forgotten decoding.
    const held = new WeakRef(decoding);
    this.#free = () => held.deref()?.dispose();
    signal?.addEventListener('abort', this.#free);
    if (signal?.aborted) this.#free();
  }

  /**
   * @param inputs what the model reads first: a translation model its source `[sentences, time]`; a language model nothing, or, where texts
   *   begin with prompts of unlike lengths, `[sentences]` int64, how many tokens of padding each one's first step begins with
   */
  static async open(
    model: NativeModule,
    inputs: readonly Tensor[],
    { sentences, width, capacity, vocabSize }: DecodingSize,
    signal: AbortSignal | undefined,
  ): Promise<NativeDecoder> {
    const handles = inputs.map((input) => input.handle);
    const id = await withSignal(signal, (token) =>
      native.decodingCreate(token, model.id, handles, sentences, width, capacity),
    );
    return new NativeDecoder(vocabSize, model, new NativeObject(id, 'decoding'), signal);
  }

  /** @throws DisposedError also when the model is, though its decodings could go on */
  get #id(): ObjectId {
    return this.model.id && this.decoding.id;
  }

  step(step: DecoderStep): Promise<DecoderCandidates> {
    return withSignal(this.signal, (token) => native.decodingStep(token, this.#id, step));
  }

  draw(step: DecoderDraw): Promise<NativeDrawn> {
    return withSignal(this.signal, (token) => native.decodingSample(token, this.#id, step));
  }

  /** Scores of the next tokens, `[rows, vocabSize]`, in the model's type. */
  async scores(step: NativeDecodingFeed): Promise<Tensor> {
    return wrap(await withSignal(this.signal, (token) => native.decodingScores(token, this.#id, step)));
  }

  [Symbol.dispose](): void {
    this.signal?.removeEventListener('abort', this.#free);
    this.#free();
  }
}

/** How many searches go on with a model, and its mode before the first: several may be under way at once. */
const evaluating = new WeakMap<NativeModule, { searches: number; wasTraining: boolean }>();

/** Turns the model's dropout off until the result is disposed, and with it those of all other searches. */
export function dropoutOff(model: NativeModule): Disposable {
  const state = evaluating.get(model) ?? { searches: 0, wasTraining: model.training };
  state.searches++;
  evaluating.set(model, state);
  model.eval();
  return {
    [Symbol.dispose]: () => {
      if (--state.searches > 0) return;
      evaluating.delete(model);
      if (!model.disposed) model.train(state.wasTraining);
    },
  };
}
