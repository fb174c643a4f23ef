/** A training as those see it who are told its events: where it stands, and how it is steered. A `Trainer` is one. */
import type { TrainerState } from '../metrics';
import type { ModuleTrainConfig, PairTrainConfig, TrainConfig } from './config';
import type { TrainingPlan, TrainingPosition } from './data';
import type { EndEvent } from './events';

export interface Training {
  readonly config: TrainConfig | PairTrainConfig | ModuleTrainConfig;
  readonly plan: TrainingPlan;
  readonly state: TrainerState;
  readonly position: TrainingPosition;
  readonly elapsed: number;
  readonly isPaused: boolean;
  learningRate: number;
  pause(): Promise<void>;
  continue(): void;
  checkpoint(): Promise<string>;
  stop(): Promise<EndEvent>;
}
