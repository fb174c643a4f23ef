/** A check that a model, its loss and its learning rate fit together: a few batches, again and again, must be learned by heart. */
import { z } from 'zod';

import { NotLearningError } from '../../errors';
import type { EarlyStoppingConfig } from './early-stopping';

export const overfitSchema = z.strictObject({
  /** The batches of so many steps: the first ones of the data. */
  batches: z.int().positive().default(1),
  steps: z.int().positive().default(200),
  /** By this share of itself must the loss have fallen in the end. */
  fall: z.number().positive().max(1).default(0.5),
});

export type OverfitConfig = z.output<typeof overfitSchema>;

/** A training's options as this check needs them: the rate is the highest from the start, and nothing ends it early. */
export function configForOverfit<
  Config extends {
    overfit?: OverfitConfig | undefined;
    earlyStopping?: EarlyStoppingConfig | undefined;
    evalEvery: number | 'epoch';
    schedule: unknown;
  },
>(config: Config): Config {
  if (config.overfit === undefined) return config;
  const { batches, steps } = config.overfit;
  const length = { epochs: undefined, maxTrainTokens: undefined, maxMinutes: undefined, earlyStopping: undefined };
  const warmup = { warmupSteps: undefined, warmupRatio: undefined };
  return {
    ...config,
    ...length,
    ...warmup,
    maxSteps: Math.max(steps, 2 * batches),
    schedule: 'constant',
    evalEvery: steps,
  };
}

/** Plain data, for checkpoints: losses of the first and of the last steps, as many as there are batches. */
export interface OverfitState {
  first: number[];
  last: number[];
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

export class OverfitCheck {
  readonly #config: OverfitConfig;
  state: OverfitState = { first: [], last: [] };

  constructor(config: OverfitConfig) {
    this.#config = config;
  }

  add(loss: number): void {
    const { batches } = this.#config;
    const { first, last } = this.state;
    this.state = {
      first: first.length < batches ? [...first, loss] : first,
      last: [...last, loss].slice(-batches),
    };
  }

  /** The mean losses of the first and the last pass over the batches. */
  metrics(): { overfit_first_loss: number; overfit_last_loss: number } {
    return { overfit_first_loss: mean(this.state.first), overfit_last_loss: mean(this.state.last) };
  }

  /** @throws NotLearningError when the loss did not fall enough */
  finish(): void {
    const { fall, batches } = this.#config;
    const { overfit_first_loss: first, overfit_last_loss: last } = this.metrics();
    if (last <= first - fall * Math.abs(first)) return;
    const what = batches === 1 ? 'the same batch' : `the same ${batches} batches`;
    throw new NotLearningError(
      `Trained on ${what} again and again, the model did not learn ${batches === 1 ? 'it' : 'them'}: the loss went from ${first.toFixed(4)} to ` +
        `${last.toFixed(4)}, and was to fall by ${Math.round(fall * 100)} %. Look at the loss and at what the model is given; raise ` +
        'train.learningRate, or train.overfit.steps; or expect less with train.overfit.fall.',
    );
  }
}
