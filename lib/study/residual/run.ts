/** One training run from configuration to report: data, model, trainer, evaluation of the best model, files. */
import type { PreparedData } from '../../data';
import { ArgumentError } from '../../errors';
import type { Metrics } from '../../metrics';
import { ResidualLlama, countParameters, forwardFlops, layerWeights, type ModelConfig } from '../../residual';
import { torch, type Device } from '../../tensor';
import { Trainer, evaluateBlocks } from '../../train';
import { residualLoad } from '../plan/load';
import { metricsOf } from '../shared/evaluation';
import { samplesOf } from '../shared/header';
import type { Context } from '../shared/options';
import type { RunOutcome } from '../shared/record';
import { sampleTexts } from '../shared/text-samples';
import type { Place, StudyTask, StudyWork } from '../shared/task';
import { report, trainInFolder } from '../shared/training';
import { studyVariant, studyVariants, type StudyConfig, type StudyVariant } from './config';
import { modelConfigOf, prepareStudyData } from './data';
import { residualKind, type Comparison, type ComparisonRow } from './table';

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

/** How a variant is trained, on data that are ready. */
function variantWork(data: PreparedData, context: Context): StudyWork<StudyConfig, StudyVariant> {
  return {
    facts(study, variant) {
      const config = modelConfigOf(study, variant, data);
      const { total: cost } = forwardFlops(config, data.train.blockSize);
      const parameters = countParameters(config);
      return { task: 'residual', parameters, cost, data: `${data.description}.`, scoring: null };
    },
    config: (study, variant) => ({
      ...aloneOf(study),
      model: { ...study.model, ...modelConfigOf(study, variant, data) },
    }),
    run: (study, variant, folder, place) => runVariant(study, variant, data, folder, place, context),
  };
}

function aloneOf(study: StudyConfig) {
  const { variants: _others, seeds: _seeds, ...resolved } = study;
  return resolved;
}

/** Trains one variant in its own (existing, empty) folder. */
async function runVariant(
  study: StudyConfig,
  variant: StudyVariant,
  data: PreparedData,
  folder: string,
  place: Place,
  { signal, onEvent, ...training }: Context,
): Promise<RunOutcome> {
  const { title } = variant;
  const config = modelConfigOf(study, variant, data);
  torch.manualSeed(study.seed);
  using model = await makeModel(study, config, data, signal);
  onEvent?.({ type: 'variant', title, ...place, parameters: countParameters(config), folder });
  const trainee = {
    title,
    folder,
    save: (target: string) => model.save(target),
    restore: (source: string) => model.loadWeights(source),
    layerWeights: () => layerWeights(model),
    sample: samplesOf(study, (size) => sampleTexts(model, data, { seed: study.seed, size, signal })),
  };
  const { metrics, best, epoch, step, tokensPerSecond } = await trainInFolder(
    trainee,
    (run) => new Trainer(model, { ...study.train, seed: study.seed, data, ...run }),
    { signal, onEvent, ...training },
  );
  const scores = await evaluateModel(model, data, study, { epoch }, { signal, onEvent });
  await report({ title, folder, split: 'eval', metrics: scores }, { onEvent });
  const samples = await sampleTexts(model, data, { seed: study.seed, signal });
  onEvent?.({ type: 'samples', title, samples });
  return { train: metrics, step, scores, best, tokensPerSecond, samples };
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

export const residualTask: StudyTask<StudyConfig, StudyVariant, PreparedData, ComparisonRow, Comparison> = {
  table: residualKind,
  items: studyVariants,
  item(study, name) {
    if (name === undefined) return studyVariant(study.model.residual);
    throw new ArgumentError(
      `This study trains its model.residual and has no models by name; give model.residual=${name} in place of the model ${name}.`,
    );
  },
  alone: (study, { residual }) => ({ ...aloneOf(study), model: { ...study.model, residual } }),
  dataKey: ({ data, model }) => [data, model.maxPositionEmbeddings ?? null],
  prepare: prepareStudyData,
  load: residualLoad,
  work: (_study, data, context) => variantWork(data, context),
};
