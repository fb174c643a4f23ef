/** Ends a training that no longer gets better. */
import { z } from 'zod';

export const earlyStoppingSchema = z.strictObject({
  /** Evaluations in a row that are not better before training ends. */
  patience: z.int().positive().default(3),
  /** By so much must `eval_loss` fall below the lowest before to count as better. */
  minDelta: z.number().nonnegative().default(0),
});

export type EarlyStoppingConfig = z.output<typeof earlyStoppingSchema>;

/** Plain data, for checkpoints. */
export interface EarlyStoppingState {
  /** The lowest loss that counted as better; null before the first. */
  lowest: number | null;
  /** Evaluations since. */
  since: number;
}

export class EarlyStopping {
  readonly #config: EarlyStoppingConfig;
  state: EarlyStoppingState = { lowest: null, since: 0 };

  constructor(config: EarlyStoppingConfig) {
    this.#config = config;
  }

  /** Counts an evaluation. One that is not a number is not better. */
  add(loss: number): void {
    const { lowest, since } = this.state;
    const isBetter = lowest === null ? Number.isFinite(loss) : loss < lowest - this.#config.minDelta;
    this.state = isBetter ? { lowest: loss, since: 0 } : { lowest, since: since + 1 };
  }

  get isOver(): boolean {
    return this.state.since >= this.#config.patience;
  }
}
