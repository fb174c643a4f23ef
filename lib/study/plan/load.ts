/** What each step of a study's training takes, before anything runs: batches, tokens, operations, memory. */
import { batchSentences, tokenBatches, type PreparedData, type PreparedPairs, type TokenBatches } from '../../data';
import {
  modelCost as delightCost,
  modelMemory as delightMemory,
  type DelightBatchSize,
  type LanguageModelSection,
  type DelightModelConfig as DelightConfig,
  type TranslationModelSection,
} from '../../delight';
import { totalOf, type StepMemory } from '../../memory';
import { modelCost as residualCost } from '../../residual';
import type { PairTrainConfig, TrainConfig } from '../../train/config';
import { PairPlan } from '../../train/pair-plan';
import { planSteps } from '../../train/plan';
import type { LanguageModelStudyConfig } from '../language-model/config';
import { modelConfigOf as languageConfigOf } from '../language-model/data';
import { trainSectionOf, type StudyModel } from '../models/models';
import type { StudyConfig, StudyVariant } from '../residual/config';
import { modelConfigOf as residualConfigOf } from '../residual/data';
import type { TranslationStudyConfig } from '../translation/config';
import { modelConfigOf as translationConfigOf } from '../translation/data';

/** One model's training. */
export interface TrainingLoad {
  title: string;
  parameters: number;
  /** Optimiser steps; null where what ends the training is not known before. */
  steps: number | null;
  stepsPerEpoch: number;
  /** Tokens that a step reads, padding counted; a mean where steps differ. */
  tokensPerStep: number;
  /** Floating-point operations of a step, forward and backward, a multiply-add as two. */
  flopsPerStep: number;
  /** The largest micro-batch, in words. */
  batch: string;
  precision: 'float32' | 'bf16' | 'float16';
  /** Micro-batches to a step. */
  accumulation: number;
  memory: StepMemory;
  /** Keys that could be lowered, or set, to need less memory, the most useful first. */
  advice: string[];
}

const deviceType = (device: string) => (device === 'cpu' ? 'cpu' : 'cuda');
const known = (steps: number) => (Number.isFinite(steps) ? steps : null);

/** Of a residual study's variant. */
export function residualLoad(study: StudyConfig, variant: StudyVariant, data: PreparedData): TrainingLoad {
  const { train, device } = study;
  const config = residualConfigOf(study, variant, data);
  const sizes = {
    time: data.train.blockSize,
    precision: train.precision,
    device: deviceType(device),
  } as const;
  const blocks = blockSteps(data, train);
  const { parameters, flopsPerStep, memory } = residualCost(config, {
    ...sizes,
    batch: blocks.batch,
    accumulation: blocks.accumulation,
  });
  const evaluation = residualCost(config, { ...sizes, batch: blocks.evalBatch }).memory.evaluation;
  return {
    title: variant.title,
    parameters,
    ...blocks.plan,
    flopsPerStep: (flopsPerStep / blocks.batch) * blocks.samples,
    batch: `${blocks.batch} x ${sizes.time} tokens`,
    precision: train.precision,
    accumulation: blocks.accumulation,
    memory: { training: memory.training, evaluation },
    advice: [
      ...blockAdvice(train, 'model', config.activationCheckpointing),
      ...(memory.probabilities.training > 0 ? ['model.probabilityBudget=0 (keeps no attention probabilities)'] : []),
    ],
  };
}

/** Of a language-model study's model. */
export function languageLoad(
  study: LanguageModelStudyConfig,
  entry: StudyModel<LanguageModelSection>,
  data: PreparedData,
): TrainingLoad {
  const config = languageConfigOf(entry, data);
  const train = trainSectionOf(study, entry);
  const blocks = blockSteps(data, train);
  const { blockSize } = data.train;
  const size = (batch: number): DelightBatchSize => ({
    batch,
    target: blockSize,
    precision: train.precision,
    device: deviceType(study.device),
  });
  const { parameters, passMacs } = delightCost(config, { source: 1, target: blockSize - 1 }).total;
  return {
    title: entry.title,
    parameters,
    ...blocks.plan,
    flopsPerStep: passFlops(config, passMacs) * blocks.samples,
    batch: `${blocks.batch} x ${blockSize} tokens`,
    precision: train.precision,
    accumulation: blocks.accumulation,
    memory: {
      training: delightMemory(config, size(blocks.batch), blocks.accumulation).training,
      evaluation: delightMemory(config, size(blocks.evalBatch)).evaluation,
    },
    advice: blockAdvice(train, `models.${entry.title}`, config.activationCheckpointing),
  };
}

/** Of a translation study's model. */
export function translationLoad(
  study: TranslationStudyConfig,
  entry: StudyModel<TranslationModelSection>,
  data: PreparedPairs,
): TrainingLoad {
  const config = translationConfigOf(entry, data);
  const train: PairTrainConfig = { ...trainSectionOf(study, entry), seed: study.seed };
  const limits = { maxTokens: train.maxTokens, ...(train.maxSentences && { maxSentences: train.maxSentences }) };
  const batches = tokenBatches(data.train, limits);
  const plan = new PairPlan(batches, data.train, train);
  const shapes = shapesOf(batches, data.train);
  const stepsPerEpoch = plan.epochSteps(0).ends.length;
  const size = ({ batch, source, target }: Shape): DelightBatchSize => ({
    batch,
    source,
    target,
    precision: train.precision,
    device: deviceType(study.device),
  });
  const accumulation = Math.ceil(shapes.length / stepsPerEpoch);
  const worst = (all: Shape[], part: keyof StepMemory, count: number) => {
    const found = largest(all).map((shape) => ({ shape, memory: delightMemory(config, size(shape), count)[part] }));
    return found.reduce((most, each) => (totalOf(each.memory) > totalOf(most.memory) ? each : most));
  };
  const training = worst(shapes, 'training', accumulation);
  const evaluation = worst(shapesOf(tokenBatches(data.validation, limits), data.validation), 'evaluation', 1);
  const tokens = shapes.reduce((sum, { batch, source, target }) => sum + batch * (source + target), 0);
  const macs = new Map<string, number>();
  const flops = shapes.reduce((sum, { batch, source, target }) => {
    const lengths = `${source} ${target}`;
    const known = macs.get(lengths) ?? delightCost(config, { source, target }).total.passMacs;
    macs.set(lengths, known);
    return sum + batch * passFlops(config, known);
  }, 0);
  const { batch, source, target } = training.shape;
  return {
    title: entry.title,
    parameters: delightCost(config).total.parameters,
    steps: known(plan.totalSteps),
    stepsPerEpoch,
    tokensPerStep: tokens / stepsPerEpoch,
    flopsPerStep: flops / stepsPerEpoch,
    batch: `${batch} pairs of ${source} and ${target} tokens`,
    precision: train.precision,
    accumulation,
    memory: { training: training.memory, evaluation: evaluation.memory },
    advice: [
      `train.maxTokens=${Math.floor(train.maxTokens / 2)}, with train.updateTokens=${train.updateTokens ?? train.maxTokens} for steps of the same size`,
      ...checkpointingAdvice(`models.${entry.title}`, config.activationCheckpointing),
    ],
  };
}

/** Three times forward; the layers once more where their activations are made anew. */
function passFlops(config: DelightConfig, macs: number): number {
  return 2 * macs * (config.activationCheckpointing ? 4 : 3);
}

type BlockSection = Omit<TrainConfig, 'seed'>;

function blockSteps(data: PreparedData, train: BlockSection) {
  const { offsets, blockSize } = data.train;
  const samples = offsets.length;
  const plan = planSteps(samples, train, blockSize);
  const batch = Math.min(train.batchSize, samples);
  const accumulation = Math.min(train.accumulation, plan.batchesPerEpoch);
  const perStep = samples / plan.stepsPerEpoch;
  return {
    batch,
    evalBatch: Math.min(train.evalBatchSize, data.validation.offsets.length),
    accumulation,
    /** Blocks in a step, on the mean. */
    samples: perStep,
    plan: { steps: known(plan.totalSteps), stepsPerEpoch: plan.stepsPerEpoch, tokensPerStep: perStep * blockSize },
  };
}

function blockAdvice({ batchSize, accumulation }: BlockSection, model: string, checkpoints: boolean): string[] {
  const half = Math.ceil(batchSize / 2);
  const smaller =
    batchSize > 1
      ? [`train.batchSize=${half} train.accumulation=${accumulation * 2} (the same steps, smaller batches)`]
      : [];
  return [...smaller, ...checkpointingAdvice(model, checkpoints)];
}

function checkpointingAdvice(model: string, checkpoints: boolean): string[] {
  return checkpoints ? [] : [`${model}.activationCheckpointing=true (the same numbers, about a third more time)`];
}

interface Shape {
  batch: number;
  source: number;
  target: number;
}

/** Of every batch: sentences, and tokens of the longest with an end mark. */
function shapesOf(batches: TokenBatches, { source, target }: PreparedPairs['train']): Shape[] {
  const longest = (sentences: Int32Array, { offsets }: typeof source) =>
    sentences.reduce((most, sentence) => Math.max(most, offsets[sentence + 1]! - offsets[sentence]!), 0) + 1;
  return Array.from(batches.ends, (_, number) => {
    const sentences = batchSentences(batches, number);
    return { batch: sentences.length, source: longest(sentences, source), target: longest(sentences, target) };
  });
}

/** Batches among which is the one that needs the most memory: those of the most tokens, and of the most scores. */
function largest(shapes: readonly Shape[]): Shape[] {
  const measures: ((shape: Shape) => number)[] = [
    ({ batch, source, target }) => batch * (source + target),
    ({ batch, target }) => batch * target,
    ({ batch, source, target }) => batch * (source ** 2 + target ** 2 + source * target),
  ];
  return measures.map((measure) => shapes.reduce((most, shape) => (measure(shape) > measure(most) ? shape : most)));
}
