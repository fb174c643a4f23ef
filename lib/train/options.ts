/** What a Trainer is given. */
import { inspect } from 'node:util';

import { ArgumentError } from '../errors';
import type { LayerMix } from '../metrics';
import type { Module } from '../nn';
import type { Optimizer, schedulers } from '../optim';
import type { BlockSplits } from './block-data';
import type { ModelFiles } from './checkpoints';
import type { ModuleTrainOptions, PairTrainOptions, TrainOptions } from './config';
import type { Sample } from './events';
import type { ModuleSplits } from './modules/batches';
import type { MetricsFunction } from './modules/evaluate';
import type { LossFunction } from './modules/loss';
import type { TrainObserver } from './observer';
import type { PairSplits } from './pair-data';
import type { StreamSplits } from './stream-data';
import type { TraceOptions } from './record/trace-file';

/** What every training takes beside its config. */
export interface RunOptions {
  /**
   * The run's folder: checkpoints in `checkpoints/`, with links to the one with the lowest `eval_loss` (`best`) and the newest (`latest`).
   * Without it nothing is written.
   */
  out?: string | undefined;
  /**
   * Goes on from the newest whole checkpoint in `out`: every later loss and weight is that of a training without a break.
   * `'if-there'` begins anew where there is none. Default: false, and then a folder with checkpoints is refused.
   */
  resume?: boolean | 'if-there' | undefined;
  /** Goes on although the config, the data or the number of processes have changed; the differences are told as a warning. */
  allowChanges?: boolean | undefined;
  /** How the model is written into an empty folder. Default: as models of this package do, or `model.safetensors` of its state dict. */
  save?: ModelFiles['save'] | undefined;
  /** How its weights are read back from there. */
  restore?: ModelFiles['restore'] | undefined;
  /** Told every event before the reader of the iterator gets it. */
  observers?: readonly TrainObserver[] | undefined;
  /** Ends the training with an AbortError between two parts of a step; the last whole step is saved, where anything is. */
  signal?: AbortSignal | undefined;
  /** Lets the model show what it makes now: called after each evaluation, and told as a `sample` event. It must leave the model's mode and the random numbers as they were. */
  sample?: ((signal: AbortSignal | undefined) => Promise<Sample[]>) | undefined;
  /** What is trained, in a few words, for those who watch. */
  title?: string | undefined;
  /** What the model has learned about its layers: asked for after each evaluation, and told with it. */
  layerWeights?: (() => Promise<LayerMix[]>) | undefined;
  /**
   * Floating-point operations of training on a token, forward and backward, a multiply-add as two: what `mfu` is reckoned from. Default: by the
   * model's own cost model; unknown for users' modules, of which a token is a target that the loss tells.
   */
  flopsPerToken?: number | undefined;
  /** Records the operators of some steps as a Chrome trace. */
  profile?: TraceOptions | undefined;
}

/** A language model's training on blocks of tokens. */
export interface TrainerOptions extends TrainOptions, RunOptions {
  data: BlockSplits;
}

/** A language model's training on a stream of blocks; in place of `epochs` it has `maxSteps`, `maxTrainTokens`, or the stream's end. */
export interface StreamTrainerOptions extends TrainOptions, RunOptions {
  data: StreamSplits;
}

/** A translation model's training on sentence pairs. */
export interface PairTrainerOptions extends PairTrainOptions, RunOptions {
  data: PairSplits;
}

/** The training of a module with its own loss, on batches of any form. */
export interface ModuleTrainerOptions<Net extends Module, Batch>
  extends Omit<ModuleTrainOptions, 'optimizer'>, RunOptions, ModuleParts<Net, Batch> {
  data: ModuleSplits<Batch>;
}

/** What a module brings along. */
export interface ModuleParts<Net extends Module, Batch> {
  /** Computes the loss of a batch, in training and in evaluations. It must not keep tensors: they are freed after the batch. */
  loss: LossFunction<Net, Batch>;
  /** Figures of a whole evaluation beside the mean loss. */
  metrics?: MetricsFunction<Net, Batch> | undefined;
  /**
   * By its name, with the config's settings; or makes one, with settings of its own. The schedule scales its highest rate, and groups with
   * lower ones keep their proportion. Default `adamw`.
   */
  optimizer?: ModuleTrainOptions['optimizer'] | ((net: Net) => Optimizer);
  /** Makes a scheduler, in place of the config's `schedule`: it is stepped after each update, one that goes by a metric after each evaluation. */
  scheduler?: ((optimizer: Optimizer) => schedulers.Scheduler) | undefined;
}

/** Every option that is not config. `optimizer` is, where it is a name. */
const besides: Record<keyof RunOptions | Exclude<keyof ModuleParts<Module, unknown>, 'optimizer'> | 'data', true> = {
  data: true,
  out: true,
  resume: true,
  allowChanges: true,
  save: true,
  restore: true,
  observers: true,
  signal: true,
  sample: true,
  title: true,
  layerWeights: true,
  flopsPerToken: true,
  profile: true,
  loss: true,
  metrics: true,
  scheduler: true,
};

/** @throws ArgumentError for options beside the config that nothing can be done with */
export function checkRunOptions({ out, resume, observers, signal }: RunOptions): void {
  if (resume !== undefined && typeof resume !== 'boolean' && resume !== 'if-there')
    throw new ArgumentError(`resume of a Trainer must be true, false or 'if-there', not ${inspect(resume)}.`);
  if (observers !== undefined && !Array.isArray(observers))
    throw new ArgumentError('observers of a Trainer must be an array of functions, or of objects with onEvent.');
  if (signal !== undefined && !(typeof signal?.aborted === 'boolean' && typeof signal.addEventListener === 'function'))
    throw new ArgumentError(
      `signal of a Trainer must be an AbortSignal, such as that of an AbortController, not ${inspect(signal, { depth: 0 })}.`,
    );
  if (out === undefined && (resume ?? false) !== false)
    throw new ArgumentError('To resume, give a Trainer `out`, the folder of the run.');
}

/** The config alone, of all that a Trainer is given. */
export function configOf<Options extends object>(options: Options): Omit<Options, keyof typeof besides> {
  return Object.fromEntries(Object.entries(options).filter(([key]) => !(key in besides))) as never;
}
