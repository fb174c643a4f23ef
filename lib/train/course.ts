/** What a training is made of, chosen by its data. */
import { parseConfig } from '../config';
import type { Module } from '../nn';
import { BlockData } from './block-data';
import { pairTrainSchema, trainSchema, type ModuleTrainConfig, type PairTrainConfig, type TrainConfig } from './config';
import { checkSplits, type TrainingData } from './data';
import { assertTrainable, type LanguageModel, type TranslationModel } from './model';
import { configOf, type PairTrainerOptions, type TrainerOptions } from './options';
import { PairData } from './pair-data';
import { NativeStep } from './steps/native-step';
import type { TrainStep } from './steps/step';

export interface Course {
  readonly model: Module;
  readonly config: TrainConfig | PairTrainConfig | ModuleTrainConfig;
  readonly data: TrainingData;
  /** @param steps - finished ones */
  open(steps: number): TrainStep;
}

/** Token files of pairs have a source and a target. @throws ConfigError, ArgumentError, DataError */
export function courseOf(
  model: LanguageModel | TranslationModel,
  options: TrainerOptions | PairTrainerOptions,
): Course {
  assertTrainable(model);
  checkSplits(options.data);
  if (isOfPairs(options)) {
    const config = parseConfig(configOf(options), pairTrainSchema, 'train');
    const data = new PairData(model as TranslationModel, options.data, config);
    return { model, config, data, open: (steps) => new NativeStep(model, data, config, steps) };
  }
  const config = parseConfig(configOf(options), trainSchema, 'train');
  const data = new BlockData(model as LanguageModel, options.data, config);
  return { model, config, data, open: (steps) => new NativeStep(model, data, config, steps) };
}

function isOfPairs(options: TrainerOptions | PairTrainerOptions): options is PairTrainerOptions {
  return 'source' in options.data.train;
}
