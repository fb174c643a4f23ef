/** One optimiser step, behind one interface: of a native model one native job, of a module written in TypeScript a few calls. */
import type { JsonValue } from '../../json';
import type { Metrics } from '../../metrics';
import type { GradScaler, Optimizer } from '../../optim';

/** Seconds that the parts of a step took. */
export interface StepSplit {
  data: number;
  forward: number;
  backward: number;
  /** Clipping, looking for values that are not finite, and the update. */
  optimizer: number;
}

/** What was not a finite number, and where: a place in the batch, or the first parameter, in the model's order. */
export interface NonFinite {
  what: 'data' | 'weight' | 'loss' | 'gradient';
  where: string | null;
}

export interface StepResult {
  /** Mean over the step's targets, over all of its micro-batches. */
  loss: number;
  nll: number;
  /** L2 norm of the gradients before clipping. */
  gradNorm: number;
  samples: number;
  targets: number;
  tokens: number;
  split: StepSplit;
  /** Then nothing was updated. */
  nonFinite: NonFinite | null;
  /** The highest rate the update was made with, where it is not the one asked for, but a scheduler's. */
  learningRate?: number;
  metrics?: Metrics;
  /** Loss scale of float16 training that the step was made with. */
  scale?: number;
}

export interface StepRequest {
  /** Steps finished before this one. */
  steps: number;
  /** The highest rate; groups with lower ones keep their proportion. */
  learningRate: number;
  /** Ends the step between two of its parts, with an AbortError; nothing is updated then. */
  signal: AbortSignal | undefined;
  /** Raised when training is to end in good order: a step that still waits for its data is not made. */
  stopped: AbortSignal;
}

export interface TrainStep extends AsyncDisposable {
  /** What it remembers belongs to a checkpoint. */
  readonly optimizer: Optimizer;
  /** The loss scale, where there is one, belongs to a checkpoint too. */
  readonly scaler: GradScaler | null;
  /** @returns undefined where the data have ended before the step began */
  run(request: StepRequest): Promise<StepResult | undefined>;
  /** An evaluation is done, which some schedulers go by. */
  evaluated(loss: number): void;
  /** What else belongs to a checkpoint. */
  state(): JsonValue;
  restore(state: JsonValue): void;
}
