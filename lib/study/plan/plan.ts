/** What a study's trainings will take, before any begins. */
import { ConfigError } from '../../errors';
import { native } from '../../native';
import { torch, withSignal, type Device } from '../../tensor';
import { autocastOf } from '../../train/config';
import { readStudy, type AnyStudyConfig, type AnyStudyInput } from '../read';
import { studyVariant, studyVariants, type StudyConfig, type StudyVariant } from '../residual/config';
import { residualTask } from '../residual/run';
import type { StudyComparison } from '../shared/comparison';
import { slugOf } from '../shared/header';
import type { StudyOptions } from '../shared/options';
import type { BaseRow } from '../shared/row';
import type { Contestant, SeededStudy, StudyTask } from '../shared/task';
import { withTask } from '../tasks';
import { parseVariant } from '../../residual';
import { residualSchema } from '../../residual/config';
import { processMemory } from './base';
import type { TrainingLoad } from './load';
import { adviceFor, peakMemory, totalMemory, type PeakMemory } from './memory';
import { usualUtilisation } from './utilisation';

/** One training of a study. Memory in bytes. */
export interface PlannedTraining {
  title: string;
  parameters: number;
  /** Optimiser steps; null where what ends the training is not known before: minutes, or a loss that no longer falls. */
  steps: number | null;
  stepsPerEpoch: number;
  /** Tokens read, padding counted. */
  tokensPerStep: number;
  tokens: number | null;
  /** Floating-point operations, forward and backward, a multiply-add as two. */
  flopsPerStep: number;
  flops: number | null;
  /** Wall seconds, without evaluations. */
  seconds: number | null;
  secondsPerStep: number;
  /** The largest micro-batch, in words. */
  batch: string;
  memory: {
    training: PeakMemory & { total: number };
    evaluation: PeakMemory & { total: number };
    /** Whether the larger of the two is free now. */
    fits: boolean;
  };
  /** What to change for less memory. */
  advice: string[];
}

export interface StudyPlan {
  name: string;
  device: string;
  precision: string;
  /** The data, in a few words. */
  data: string;
  /** Operations a second of this device's matrix products, measured now. */
  peakFlops: number;
  /** What part of them trainings of this kind reach: the times stand on it. */
  utilisation: number;
  /** Bytes that the device could give now, and has in all. */
  free: number;
  total: number;
  trainings: PlannedTraining[];
}

export interface PlanOptions extends Pick<StudyOptions, 'overrides' | 'signal' | 'onEvent' | 'cacheDir'> {
  /** One of the study's models, or variants, by name. Default: all that a comparison trains. */
  model?: string | undefined;
}

/**
 * Says what the trainings of a study will take: steps, tokens, operations, time, memory. Makes the study's data ready, as a training would, and measures
 * what the device's matrix products reach; trains nothing.
 * @throws ConfigError, DataError, DeviceError, AbortError
 */
export async function planStudy(source: string | AnyStudyInput, options: PlanOptions = {}): Promise<StudyPlan> {
  const study = readStudy(source, options.overrides);
  const { data, loads } = await loadsOf(study, options);
  const { device } = study;
  const { precision } = study.train;
  const dtype = autocastOf(precision) ?? 'float32';
  const base = device === 'cpu' ? processMemory(precision) : 0;
  const held = device === 'cpu' ? process.memoryUsage.rss() : 0;
  const peakFlops = await withSignal(options.signal, (token) => native.matrixPeak(token, device, dtype));
  const { free, total } = torch.memory.device(device as Device);
  const utilisation = usualUtilisation(study);
  // What this process holds is free again when it ends.
  const machine = { device, base, free: free + held, speed: peakFlops * utilisation };
  return {
    name: study.name,
    device,
    precision,
    data,
    peakFlops,
    utilisation,
    free: machine.free,
    total,
    trainings: loads.map((load) => planOf(load, machine)),
  };
}

function planOf(
  load: TrainingLoad,
  { device, base, free, speed }: { device: string; base: number; free: number; speed: number },
): PlannedTraining {
  const { steps, tokensPerStep, flopsPerStep, ...facts } = load;
  const withTotal = (peak: PeakMemory) => ({ ...peak, total: totalMemory(peak) });
  const training = withTotal(peakMemory('training', load, device, base));
  const evaluation = withTotal(peakMemory('evaluation', load, device, base));
  const secondsPerStep = flopsPerStep / speed;
  const all = (perStep: number) => (steps === null ? null : steps * perStep);
  return {
    title: facts.title,
    parameters: facts.parameters,
    steps,
    stepsPerEpoch: facts.stepsPerEpoch,
    tokensPerStep,
    tokens: all(tokensPerStep),
    flopsPerStep,
    flops: all(flopsPerStep),
    seconds: all(secondsPerStep),
    secondsPerStep,
    batch: facts.batch,
    memory: { training, evaluation, fits: Math.max(training.total, evaluation.total) <= free },
    advice: adviceFor(load, free),
  };
}

function loadsOf(study: AnyStudyConfig, options: PlanOptions): Promise<{ data: string; loads: TrainingLoad[] }> {
  const { model } = options;
  if (!('task' in study)) return loadsOfItems(residualTask, study, variantsOf(study, model), options);
  return withTask(study, (task, own) =>
    loadsOfItems(task, own, model === undefined ? task.items(own) : [task.item(own, model)], options),
  );
}

async function loadsOfItems<
  Study extends SeededStudy,
  Item extends Contestant,
  Data extends { description: string },
  Row extends BaseRow,
  Comparison extends StudyComparison<Row>,
>(task: StudyTask<Study, Item, Data, Row, Comparison>, study: Study, items: Item[], options: PlanOptions) {
  const data = await task.prepare(study, options);
  return { data: data.description, loads: items.map((item) => task.load(study, item, data)) };
}

function variantsOf(study: StudyConfig, name: string | undefined): StudyVariant[] {
  const variants = studyVariants(study);
  if (name === undefined) return variants;
  const found = variants.find(({ slug }) => slug === slugOf(name));
  if (found) return [found];
  try {
    return [studyVariant(residualSchema.parse({ ...study.model.residual, ...parseVariant(name) }))];
  } catch {
    throw new ConfigError(
      `The study has no variant ${name}; it has ${variants.map(({ title }) => title).join(', ')}, and any other by its name, such as 3.2.`,
    );
  }
}
