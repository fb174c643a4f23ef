/** What a Trainer tells while it runs. */
import type { Metrics } from '../metrics';
import type { EvaluationBatchEvent } from './evaluate';

/** One optimiser step is done. */
export interface StepEvent {
  type: 'step';
  /** Steps made so far, this one included. */
  step: number;
  totalSteps: number;
  /** Passes over the training blocks so far. */
  epoch: number;
  /** Mean cross-entropy of the step's micro-batches, in nats. */
  loss: number;
  /** L2 norm of the gradients before clipping. */
  gradNorm: number;
  /** The rate this step was made with. */
  learningRate: number;
  /** Tokens in the step. */
  tokens: number;
  /** Wall seconds of the step. */
  seconds: number;
}

/** An evaluation on the validation blocks is done. */
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
}

export type TrainEvent = StepEvent | EvaluationBatchEvent | EvaluationEvent | CheckpointEvent | EndEvent;
