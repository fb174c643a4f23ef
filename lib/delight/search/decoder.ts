/** What a search asks of a model: the likeliest next tokens of many texts that grow at once. */

/** One step: new tokens go in, the likeliest ones after them come out. */
export interface DecoderStep {
  /** New tokens of each row, row by row; the same number for each. */
  tokens: Int32Array;
  /** The former row that each row continues, or null for the same rows. Sentences may be left out, whole. */
  order: Int32Array | null;
  /** How many tokens are wanted of each row. */
  candidates: number;
  /** Ids that must not come out. Probabilities stay those of the whole vocabulary. */
  banned: Int32Array;
  /** The only id that may come out, or null. */
  only: number | null;
}

/** `[rows, columns]`, best first, with natural logarithms of probabilities. What must not come out has -Infinity, or no column. */
export interface DecoderCandidates {
  ids: Int32Array;
  logProbabilities: Float32Array;
}

/** Texts that grow by one token (the first step: by a prompt) at a time. Rows of one sentence stand together. */
export interface Decoder {
  /** Ids that can come out: 0 ... vocabSize - 1. */
  readonly vocabSize: number;
  step(step: DecoderStep): Promise<DecoderCandidates>;
}

/** A text that was found. */
export interface Hypothesis {
  /** With the eos at its end; a sampled text that was cut at its greatest length has none. */
  tokens: number[];
  /** What hypotheses of one sentence are sorted by: for a beam search, the sum of `positionalScores` / length ^ lengthPenalty. */
  score: number;
  /** Logarithm of each token's probability. */
  positionalScores: number[];
}
