/** What a search asks of a model: the next tokens of many texts that grow at once. */
import type { NativeCandidates, NativeDecodingFeed, NativeDecodingStep, NativeDrawn, NativeSampling } from '../native';

export type DecoderStep = NativeDecodingStep;
export type DecoderCandidates = NativeCandidates;
export type DecoderDraw = NativeDecodingFeed & NativeSampling;

/** Texts that grow by one token (the first step: by a prompt) at a time. Rows of one sentence stand together. */
export interface Decoder {
  /** Ids that can come out: 0 ... vocabSize - 1. */
  readonly vocabSize: number;
  /** New tokens go in, the likeliest ones after them come out. */
  step(step: DecoderStep): Promise<DecoderCandidates>;
  /** New tokens go in, one after them comes out for each row, drawn by rules. */
  draw(step: DecoderDraw): Promise<NativeDrawn>;
}
