/** What a Trainer is given. */
import type { BlockSplits } from './block-data';
import type { Checkpoints } from './checkpoints';
import type { PairTrainOptions, TrainOptions } from './config';
import type { Sample } from './events';
import type { TrainObserver } from './observer';
import type { PairSplits } from './pair-data';

/** What every training takes beside its config. */
export interface RunOptions {
  /** Without it nothing is written. */
  checkpoints?: Checkpoints | undefined;
  /** Told every event before the reader of the iterator gets it. */
  observers?: readonly TrainObserver[] | undefined;
  /** Ends the training with an AbortError between two parts of a step; the last whole step is saved, where anything is. */
  signal?: AbortSignal | undefined;
  /** Lets the model show what it makes now: called after each evaluation, and told as a `sample` event. It must leave the model's mode and the random numbers as they were. */
  sample?: ((signal: AbortSignal | undefined) => Promise<Sample[]>) | undefined;
}

/** A language model's training on blocks of tokens. */
export interface TrainerOptions extends TrainOptions, RunOptions {
  data: BlockSplits;
}

/** A translation model's training on sentence pairs. */
export interface PairTrainerOptions extends PairTrainOptions, RunOptions {
  data: PairSplits;
}

/** Parts the config from the rest. */
export function configOf<Options extends RunOptions & { data: unknown }>(
  options: Options,
): Omit<Options, keyof RunOptions | 'data'> {
  const {
    data: _data,
    checkpoints: _checkpoints,
    observers: _observers,
    signal: _signal,
    sample: _sample,
    ...config
  } = options;
  return config;
}
