/** A text that a search found. */
export interface Hypothesis {
  /** With the eos at its end; a sampled text that was cut at its greatest length has none. */
  tokens: number[];
  /** What hypotheses of one sentence are sorted by: for a beam search, the sum of `positionalScores` / length ^ lengthPenalty. */
  score: number;
  /** Logarithm of each token's probability. */
  positionalScores: number[];
}
