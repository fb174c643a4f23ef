/** A model's own decoder: keys and values of what was read are kept, and each step is a job on the compute thread. */
import { native } from '../../native';
import type { NativeModule } from '../../nn';
import { NativeObject, withSignal, type Tensor } from '../../tensor';
import type { Decoder, DecoderCandidates, DecoderStep } from './decoder';

export interface DecodingSize {
  sentences: number;
  /** Rows of each sentence. */
  width: number;
  /** Tokens of a row for which room is made at first; more are possible. */
  capacity: number;
  vocabSize: number;
}

export class NativeDecoder implements Decoder, Disposable {
  private constructor(
    readonly vocabSize: number,
    private readonly decoding: NativeObject,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** @param inputs what the model reads first: a translation model its source `[sentences, time]`, a language model nothing */
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
    return new NativeDecoder(vocabSize, new NativeObject(id, 'decoding'), signal);
  }

  step(step: DecoderStep): Promise<DecoderCandidates> {
    return withSignal(this.signal, (token) => native.decodingStep(token, this.decoding.id, step));
  }

  [Symbol.dispose](): void {
    this.decoding.dispose();
  }
}

/** Turns the model's dropout off until the result is disposed. */
export function dropoutOff(model: NativeModule): Disposable {
  const wasTraining = model.training;
  model.eval();
  return { [Symbol.dispose]: () => void model.train(wasTraining) };
}
