/** Chooses what a training is made of, by its data. */
import { parseConfig } from '../config';
import { streams } from '../data';
import type { Module } from '../nn';
import { BlockData } from './block-data';
import { pairTrainSchema, trainSchema, type PairTrainConfig, type TrainConfig } from './config';
import { checkSplits, type NativeData } from './data';
import { configForOverfit } from './guards/overfit';
import { assertTrainable, type LanguageModel, type TranslationModel } from './model';
import type { Course } from './course';
import { moduleCourse } from './modules/course';
import {
  configOf,
  type ModuleTrainerOptions,
  type PairTrainerOptions,
  type StreamTrainerOptions,
  type TrainerOptions,
} from './options';
import { PairData } from './pair-data';
import { NativeStep } from './steps/native-step';
import { StreamData } from './stream-data';

type NativeOptions = TrainerOptions | PairTrainerOptions | StreamTrainerOptions;

/** A loss makes it a module's own training; token files of pairs have a source and a target. @throws ConfigError, ArgumentError, DataError */
export function courseOf<Net extends Module, Batch>(
  model: Module,
  options: NativeOptions | ModuleTrainerOptions<Net, Batch>,
): Course {
  if ('loss' in options) return moduleCourse(model as Net, options);
  assertTrainable(model as LanguageModel | TranslationModel);
  if (isOfStream(options)) {
    const config = configForOverfit(parseConfig(configOf(options), trainSchema, 'train'));
    return nativeCourse(model as LanguageModel, config, new StreamData(model as LanguageModel, options.data, config));
  }
  checkSplits(options.data);
  if (isOfPairs(options)) {
    const config = configForOverfit(parseConfig(configOf(options), pairTrainSchema, 'train'));
    const data = new PairData(model as TranslationModel, options.data, config);
    return nativeCourse(model as TranslationModel, config, data);
  }
  const config = configForOverfit(parseConfig(configOf(options), trainSchema, 'train'));
  return nativeCourse(model as LanguageModel, config, new BlockData(model as LanguageModel, options.data, config));
}

function isOfStream(options: NativeOptions): options is StreamTrainerOptions {
  return (options.data as Partial<StreamTrainerOptions['data']> | undefined)?.train instanceof streams.SampleStream;
}

function isOfPairs(options: TrainerOptions | PairTrainerOptions): options is PairTrainerOptions {
  return 'source' in options.data.train;
}

function nativeCourse(
  model: LanguageModel | TranslationModel,
  config: TrainConfig | PairTrainConfig,
  data: NativeData,
): Course {
  const { learningRate } = config;
  return { model, config, data, learningRate, open: (steps) => new NativeStep(model, data, config, steps) };
}
