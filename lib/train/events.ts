/** What a Trainer tells while it runs. */
import type { Metrics } from '../metrics';
import type { EvaluationBatchEvent } from './evaluate';

/** One optimiser step is done. */
export interface StepEvent {
  type: 'step';
  /** Steps made so far, this one included. */
  step: number;
  totalSteps: number;
  /** Passes over the training data so far. */
  epoch: number;
  /** What is minimised, for each token predicted, in nats: cross-entropy, or that with label smoothing. */
  loss: number;
  /** Plain cross-entropy, in nats. */
  nll: number;
  /** L2 norm of the gradients before clipping. */
  gradNorm: number;
  /** The rate this step was made with. */
  learningRate: number;
  /** Tokens in the step, without padding, and how many of them were predicted. */
  tokens: number;
  targets: number;
  /** Wall seconds of the step. */
  seconds: number;
}

/** An evaluation on the validation data is done. */
export interface EvaluationEvent {
  type: 'evaluation';
  step: number;
  metrics: Metrics;
  /** No earlier evaluation had a lower `eval_loss`. */
  best: boolean;
}

/** The best model so far has been written. */
export interface CheckpointEvent {
  type: 'checkpoint';
  step: number;
  folder: string;
}

/** Training is over. */
export interface EndEvent {
  type: 'end';
  /** `epoch`, `total_flos`, `train_loss`, `train_runtime` (s), `train_samples`, `train_samples_per_second`, `train_steps_per_second`. */
  metrics: Metrics;
  /** The best evaluation by `eval_loss`. */
  best: { step: number; loss: number } | null;
  /** Folders of the recent models that `keepLast` asked for, the oldest first. */
  recent: string[];
  /** Tokens predicted in the whole training. */
  targets: number;
}

export type TrainEvent = StepEvent | EvaluationBatchEvent | EvaluationEvent | CheckpointEvent | EndEvent;
