/** Small trainings in this process, to be stopped and gone on with. */
import path from 'node:path';

import * as nn from '../../../lib/nn';
import { DelightLanguageModel } from '../../../lib/delight';
import { torch, type Tensor } from '../../../lib/tensor';
import {
  Trainer,
  type EvaluationEvent,
  type ModuleTrainerOptions,
  type StepEvent,
  type TrainEvent,
  type TrainerOptions,
} from '../../../lib/train';
import { vocabSize, writeTokens } from '../tokens';

export function makeModel(dropout = 0.1): DelightLanguageModel {
  torch.manualSeed(7);
  return DelightLanguageModel.create({
    type: 'delight',
    hiddenSize: 32,
    embeddingSize: 16,
    embedding: { depth: 2, maxGroups: 2 },
    decoder: { blocks: 1, minDepth: 2, maxDepth: 2, maxGroups: 2 },
    vocabSize,
    dropout,
  });
}

export const makeData = (folder: string): TrainerOptions['data'] => ({
  train: writeTokens(folder, 'train', 26),
  validation: writeTokens(folder, 'validation', 4),
});

/** Epochs that are short of a step's micro-batches. */
export const shape = {
  batchSize: 2,
  accumulation: 3,
  learningRate: 0.01,
  warmupSteps: 4,
  schedule: 'cosine',
  maxSteps: 30,
  evalEvery: 6,
  logEvery: 4,
} as const;

export interface Outcome {
  events: TrainEvent[];
  steps: StepEvent[];
  evaluations: EvaluationEvent[];
  weights: unknown;
  trainer: Trainer;
  /** What it ended with, if not in good order. */
  error: Error | undefined;
}

export const weightsOf = (model: nn.Module) =>
  [...model.stateDict()].map(([name, tensor]) => [
    name,
    Array.from(tensor.reshape([-1]).toArray() as number[], Number),
  ]);

/** Reads all events. @param see - is told each */
export async function read(
  trainer: Trainer,
  model: nn.Module,
  see: (event: TrainEvent, trainer: Trainer) => unknown = () => undefined,
): Promise<Outcome> {
  const events: TrainEvent[] = [];
  let error: Error | undefined;
  try {
    for await (const event of trainer) {
      events.push(event);
      await see(event, trainer);
    }
  } catch (thrown) {
    error = thrown as Error;
  }
  const steps = events.filter((event) => event.type === 'step');
  const evaluations = events.filter((event) => event.type === 'evaluation');
  return { events, steps, evaluations, weights: weightsOf(model), trainer, error };
}

export async function train(
  options: Partial<TrainerOptions> & Pick<TrainerOptions, 'data'>,
  see?: (event: TrainEvent, trainer: Trainer) => unknown,
  filesOf?: (model: DelightLanguageModel) => Required<Pick<TrainerOptions, 'save' | 'restore'>>,
): Promise<Outcome> {
  using model = makeModel();
  return await read(new Trainer(model, { ...shape, ...options, ...filesOf?.(model) }), model, see);
}

type Batch = { x: Tensor; y: Tensor };
type Net = nn.Sequential;

/** A module with buffers and dropout, on batches of unequal size. */
export async function trainModule(
  options: Partial<ModuleTrainerOptions<Net, Batch>>,
  see?: (event: TrainEvent) => unknown,
): Promise<Outcome> {
  torch.manualSeed(5);
  const batches = [5, 6, 4, 7, 5].map((size) => {
    const x = torch.randn([size, 4]);
    return { x, y: x.sum({ dim: 1, keepdim: true }) };
  });
  torch.manualSeed(3);
  const net = new nn.Sequential(new nn.Linear(4, 8), new nn.BatchNorm1d(8), new nn.Dropout(0.2), new nn.Linear(8, 1));
  const trainer = new Trainer<Net, Batch>(net, {
    data: { train: batches, validation: batches.slice(0, 2) },
    loss: (own, { x, y }) => nn.functional.mseLoss(own.forward(x), y),
    learningRate: 0.02,
    accumulation: 2,
    maxSteps: 12,
    evalEvery: 4,
    logEvery: 3,
    ...options,
  });
  return read(trainer, net, see);
}

/** What must be equal to the bit. */
export const bits = ({ steps, evaluations, weights }: Pick<Outcome, 'steps' | 'evaluations' | 'weights'>) => ({
  steps: steps.map(({ step, epoch, loss, nll, gradNorm, learningRate, tokens, targets }) => [
    step,
    epoch,
    loss,
    nll,
    gradNorm,
    learningRate,
    tokens,
    targets,
  ]),
  evaluations: evaluations.map(({ step, metrics, best }) => [step, metrics.eval_loss, metrics.eval_accuracy, best]),
  weights,
});

/** Several lives as one. */
export const together = (...lives: Outcome[]) => ({
  steps: lives.flatMap(({ steps }) => steps),
  evaluations: lives.flatMap(({ evaluations }) => evaluations),
  weights: lives.at(-1)!.weights,
});

/** The log without times. */
export const logOf = ({ trainer }: Outcome) =>
  trainer.state.logHistory
    .filter((entry) => !('train_runtime' in entry))
    .map((entry) => Object.fromEntries(Object.entries(entry).filter(([key]) => !/runtime|per_second/.test(key))));

export const stepFolder = (run: string, step: number) =>
  path.join(run, 'checkpoints', `step-${String(step).padStart(8, '0')}`);
