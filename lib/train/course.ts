/** What a training is made of. */
import type { Module } from '../nn';
import type { ModuleTrainConfig, PairTrainConfig, TrainConfig } from './config';
import type { TrainingData } from './data';
import type { TrainStep } from './steps/step';

export interface Course {
  readonly model: Module;
  readonly config: TrainConfig | PairTrainConfig | ModuleTrainConfig;
  readonly data: TrainingData;
  /** The highest rate, which the schedule scales. */
  readonly learningRate: number;
  /** @param steps - finished ones */
  open(steps: number): TrainStep;
}
