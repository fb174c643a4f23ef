/** What a Trainer tells while it runs. */
import type { LayerMix, Metrics } from '../metrics';
import type { TrainConfig, ModuleTrainConfig, PairTrainConfig } from './config';
import type { EvaluationBatchEvent } from './evaluate';
import type { StepSpeed } from './record/meter';
import type { StepSplit } from './steps/step';

/** Training begins, or goes on from a checkpoint. */
export interface StartEvent {
  type: 'start';
  /** Steps made before: above 0 where a training is resumed. */
  step: number;
  /** Null where it is not known before, as with data that stream. */
  totalSteps: number | null;
  config: TrainConfig | PairTrainConfig | ModuleTrainConfig;
  /** Numbers that the model learns. */
  parameters: number;
  /** The checkpoint's folder. */
  resumedFrom: string | null;
}

/** One optimiser step is done. */
export interface StepEvent extends StepSpeed {
  type: 'step';
  /** Steps made so far, this one included. */
  step: number;
  totalSteps: number | null;
  /** Passes over the training data so far. */
  epoch: number;
  /** What is minimised, for each token (or other target) predicted, in nats: cross-entropy, or that with label smoothing, or a module's own. */
  loss: number;
  /** Plain cross-entropy, in nats; the loss itself where there is no other. */
  nll: number;
  /** L2 norm of the gradients before clipping. */
  gradNorm: number;
  /** The highest rate this step was made with. */
  learningRate: number;
  /** Blocks, pairs or other samples in the step. */
  samples: number;
  /** Tokens in the step, without padding, and how many of them were predicted. Of users' own modules both are the targets that their loss tells. */
  tokens: number;
  targets: number;
  /** Wall seconds of the step. */
  seconds: number;
  /** Wall seconds of the training so far, those before it was resumed included; pauses are not. */
  elapsed: number;
  /** What the seconds were spent on. */
  split: StepSplit;
  /** What a module's own loss tells beside the loss, averaged over the step's targets. */
  metrics?: Metrics;
  /** Loss scale of float16 training. */
  scale?: number;
}

/** An evaluation on the validation data is done. */
export interface EvaluationEvent {
  type: 'evaluation';
  step: number;
  metrics: Metrics;
  /** No earlier evaluation was better. */
  best: boolean;
  /** What the model has learned about its layers, where it learns it. */
  layerWeights?: LayerMix[];
}

/** A checkpoint has been written. */
export interface CheckpointEvent {
  type: 'checkpoint';
  step: number;
  folder: string;
  /** Why: so many steps or minutes went by, an evaluation was done, somebody asked, training was stopped or is over. */
  reason: 'step' | 'time' | 'evaluation' | 'asked' | 'stopped' | 'end';
  /** It is the best so far. */
  best: boolean;
}

/** What a model made of a text. */
export interface Sample {
  /** What the model was given. */
  source: string;
  /** What stands there in the data; null where that is not one text. */
  reference: string | null;
  text: string;
}

/** Samples of what the model makes now. */
export interface SampleEvent {
  type: 'sample';
  step: number;
  samples: Sample[];
}

/** Something went wrong that training goes on after: a shard was skipped, a checkpoint could not be written. */
export interface WarningEvent {
  type: 'warning';
  step: number;
  message: string;
}

/** Training rests between two steps, until `continue()`. */
export interface PausedEvent {
  type: 'paused';
  step: number;
}

/** Training goes on after a pause. */
export interface ContinuedEvent {
  type: 'continued';
  step: number;
}

/** Why a training ended: which limit was reached, `stop()`, a raised signal or a reader that left, or an error. */
export type EndReason =
  'steps' | 'epochs' | 'tokens' | 'minutes' | 'early-stopping' | 'data-ended' | 'stopped' | 'failed';

/** Training is over. Where it ends with an error, or its reader leaves, observers and listeners alone are told. */
export interface EndEvent {
  type: 'end';
  step: number;
  reason: EndReason;
  /** The error's message, where the reason is `failed`. */
  error: string | null;
  /** `epoch`, `total_flos`, `train_loss`, `train_runtime` (s), `train_samples`, `train_samples_per_second`, `train_steps_per_second`. */
  metrics: Metrics;
  /** The best evaluation by `eval_loss`. */
  best: { step: number; loss: number } | null;
  /** Folders of the recent models that `keepLast` asked for, the oldest first. */
  recent: string[];
  /** Tokens predicted in the whole training. */
  targets: number;
}

export type TrainEvent =
  | StartEvent
  | StepEvent
  | EvaluationBatchEvent
  | EvaluationEvent
  | CheckpointEvent
  | SampleEvent
  | WarningEvent
  | PausedEvent
  | ContinuedEvent
  | EndEvent;
