/** One training run from configuration to report: data, model, trainer, evaluation of the best model, files. */
import { existsSync } from 'node:fs';
import path from 'node:path';

import { formatConfig } from '../../config';
import { prepareData, type PreparedData } from '../../data';
import { ConfigError } from '../../errors';
import { writeFileAtomically } from '../../files';
import type { Metrics } from '../../metrics';
import { ResidualLlama, checkMemory, countParameters, type ModelConfig } from '../../residual';
import { torch, type Device } from '../../tensor';
import { Trainer, evaluateBlocks } from '../../train';
import type { Place } from '../shared/compare';
import { metricsOf } from '../shared/evaluation';
import { createRunFolder, keepingIn, refuseTaken } from '../shared/folder';
import { configName, type Context, type StudyOptions } from '../shared/options';
import { report, trainInFolder } from '../shared/training';
import { studyVariant, type StudyConfig, type StudyVariant } from './config';

/** What one run gives. */
export interface RunResult {
  title: string;
  folder: string;
  parameters: number;
  train: Metrics;
  /** Of the best model where `train.loadBestModelAtEnd` is set, else of the last. */
  eval: Metrics;
  best: { step: number; loss: number } | null;
}

/** Makes a study's data ready. @throws DeviceError before anything else when the study's device is not there */
export async function prepareStudyData(
  study: StudyConfig,
  { signal, onEvent, cacheDir }: StudyOptions,
): Promise<PreparedData> {
  torch.zeros([1], { device: study.device as Device }).dispose();
  const data = await prepareData(study.data, {
    maxPositionEmbeddings: study.model.maxPositionEmbeddings,
    onProgress: (progress) => onEvent?.({ type: 'data', progress }),
    ...(signal && { signal }),
    ...(cacheDir !== undefined && { cacheDir }),
  });
  onEvent?.({ type: 'prepared', description: data.description });
  return data;
}

/** A variant's model configuration. @throws ConfigError when the vocabulary cannot hold the tokenizer's ids, OutOfMemoryError */
export function modelConfigOf(study: StudyConfig, variant: StudyVariant, data: PreparedData): ModelConfig {
  const vocabSize = study.model.vocabSize ?? data.vocabSize;
  if (vocabSize < data.vocabSize) {
    throw new ConfigError(
      `model.vocabSize ${vocabSize} is too small: the tokenizer gives ids up to ${data.vocabSize - 1}. ` +
        `Set it to at least ${data.vocabSize}, or leave it out.`,
    );
  }
  const { pretrained, ...sizes } = study.model;
  if (pretrained !== undefined && !existsSync(pretrained))
    throw new ConfigError(`model.pretrained ${pretrained} is not there; give the folder of the model to begin with.`);
  const config = { ...sizes, vocabSize, residual: variant.residual };
  checkMemory(config, { device: study.device as Device });
  return config;
}

/** Trains one variant in its own (existing, empty) folder. */
export async function runVariant(
  study: StudyConfig,
  variant: StudyVariant,
  data: PreparedData,
  folder: string,
  place: Place,
  { signal, onEvent }: Context,
): Promise<RunResult> {
  const { title } = variant;
  const config = modelConfigOf(study, variant, data);
  torch.manualSeed(study.seed);
  using model = await makeModel(study, config, data, signal);
  const parameters = countParameters(config);
  const { variants: _others, ...resolved } = { ...study, model: { ...study.model, ...config } };
  await writeFileAtomically(path.join(folder, configName), formatConfig(resolved));
  onEvent?.({ type: 'variant', title, ...place, parameters, folder });
  const trainee = {
    title,
    folder,
    save: (target: string) => model.save(target),
    restore: (source: string) => model.loadWeights(source),
  };
  const { metrics, best, epoch } = await trainInFolder(
    trainee,
    (checkpoints) => new Trainer(model, { ...study.train, seed: study.seed, data, signal, checkpoints }),
    { onEvent },
  );
  const evaluation = await evaluateModel(model, data, study, { epoch }, { signal, onEvent });
  await report({ title, folder, split: 'eval', metrics: evaluation }, { onEvent });
  return { title, folder, parameters, train: metrics, eval: evaluation, best };
}

/** A fresh model, or one with the weights of `model.pretrained`, ready to be saved with the study's tokenizer. */
async function makeModel(
  { model: { pretrained }, device }: StudyConfig,
  config: ModelConfig,
  { tokenizer, bosTokenId, eosTokenId }: PreparedData,
  signal: AbortSignal | undefined,
): Promise<ResidualLlama> {
  const placement = { device: device as Device };
  if (pretrained === undefined) {
    const model = ResidualLlama.create(config, placement);
    model.tokenizer = tokenizer;
    return model;
  }
  const model = await ResidualLlama.load(pretrained, { ...placement, residual: config.residual, signal });
  // With the pretrained model's own tokenizer its special tokens stay too, of which there may be more.
  if (model.tokenizer?.fingerprint !== tokenizer.fingerprint) model.specialTokens = { bosTokenId, eosTokenId };
  model.tokenizer = tokenizer;
  return model;
}

/** Evaluates a model on a study's validation blocks. */
export async function evaluateModel(
  model: ResidualLlama,
  data: PreparedData,
  study: StudyConfig,
  { epoch }: { epoch?: number },
  { signal, onEvent }: Context,
): Promise<Metrics> {
  const { evalBatchSize: batchSize, precision } = study.train;
  const evaluation = evaluateBlocks(model, data.validation, {
    batchSize,
    precision,
    signal,
    ...(epoch !== undefined && { epoch }),
  });
  return metricsOf(evaluation, { onEvent });
}

/**
 * Trains the variant that the study's `model.residual` names, evaluates it and writes everything into a folder of its own:
 * `study.yaml` (resolved), `best/` and `last/` (model folders), `train_results.json`, `eval_results.json`, `all_results.json`, `trainer_state.json`.
 *
 * @throws DataError, NonFiniteError, AbortError; after the last two, `last/` holds the weights of the last whole step.
 */
export async function trainVariant(study: StudyConfig, options: StudyOptions): Promise<RunResult> {
  await refuseTaken(options.out);
  const data = await prepareStudyData(study, options);
  const variant = studyVariant(study.model.residual);
  modelConfigOf(study, variant, data);
  const folder = await createRunFolder(study.name, study.output, options.out);
  return keepingIn(folder, () => runVariant(study, variant, data, folder, { number: 1, count: 1 }, options));
}
