/**
 * A training in a process of its own, to be killed: `node -r ./scripts/register.cjs program.ts kind folder data`. It goes on where one was
 * killed before, prints a line of JSON for each event, and at the end what it has come to.
 */
import path from 'node:path';

import { DataLoader } from '../../../lib/data';
import { DelightLanguageModel, DelightTransformer } from '../../../lib/delight';
import * as nn from '../../../lib/nn';
import * as optim from '../../../lib/optim';
import { native } from '../../../lib/native';
import { torch, type Tensor } from '../../../lib/tensor';
import { Trainer, type TrainEvent } from '../../../lib/train';
import { reversedPairs, smallTranslator, writePairs } from '../pairs';
import { vocabSize, writeTokens } from '../tokens';

export type Kind = 'language' | 'translation' | 'module';

const [kind, out, dataFolder] = process.argv.slice(2) as [Kind, string, string];
native.setThreads(1);

const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());

const common = {
  signal: stop.signal,
  out,
  resume: 'if-there',
  seed: 5,
  logEvery: 7,
  evalEvery: 10,
  averageLast: 3,
  keepLast: 2,
  loadBestModelAtEnd: true,
} as const;

interface Run {
  trainer: AsyncIterable<TrainEvent> & Pick<Trainer, 'state' | 'run'>;
  model: nn.Module;
}

const makers: Record<Kind, () => Run> = {
  /** Dropout, accumulation, epochs that are short of a step's micro-batches, a cosine. */
  language() {
    const model = DelightLanguageModel.create({
      type: 'delight',
      hiddenSize: 32,
      embeddingSize: 16,
      embedding: { depth: 2, maxGroups: 2 },
      decoder: { blocks: 2, minDepth: 2, maxDepth: 3, maxGroups: 2 },
      vocabSize,
      dropout: 0.1,
    });
    const data = { train: writeTokens(dataFolder, 'train', 26), validation: writeTokens(dataFolder, 'validation', 4) };
    const config = {
      learningRate: 0.01,
      batchSize: 2,
      accumulation: 3,
      maxSteps: 260,
      warmupSteps: 20,
      schedule: 'cosine',
    } as const;
    return { model, trainer: new Trainer(model, { data, ...common, ...config, saveEvery: 3 }) };
  },
  translation() {
    const model = DelightTransformer.create({
      ...smallTranslator,
      dropout: 0.2,
      labelSmoothing: 0.1,
    });
    const data = {
      train: writePairs(dataFolder, 'train', reversedPairs(50)),
      validation: writePairs(dataFolder, 'validation', reversedPairs(8)),
    };
    const schedule = { type: 'inverse-sqrt', warmupUpdates: 15 } as const;
    const config = {
      learningRate: 0.01,
      maxTokens: 24,
      updateTokens: 30,
      maxSteps: 100,
      optimizer: 'fairseq-adam',
      schedule,
    } as const;
    return { model, trainer: new Trainer(model, { data, ...common, ...config, saveEvery: 4 }) };
  },
  /** Batch norm, dropout, a loader that shuffles, an optimiser and a scheduler of one's own. */
  module() {
    const net = new nn.Sequential(
      new nn.Linear(4, 16),
      new nn.BatchNorm1d(16),
      new nn.ReLU(),
      new nn.Dropout(0.2),
      new nn.Linear(16, 1),
    );
    const samples = Array.from({ length: 46 }, (_, index) => {
      const x = Float32Array.from({ length: 4 }, (_value, place) => Math.sin(1 + index * (place + 2)));
      return { x, y: Float32Array.of(x.reduce((sum, value) => sum + value, 0)) };
    });
    type Batch = { x: Tensor; y: Tensor };
    const trainer = new Trainer<typeof net, Batch>(net, {
      ...common,
      data: {
        train: new DataLoader(samples, { batchSize: 4, shuffle: true, seed: 3 }),
        validation: new DataLoader(samples.slice(0, 8), { batchSize: 4 }),
      },
      loss: (own, { x, y }) => nn.functional.mseLoss(own.forward(x), y),
      optimizer: (own) => new optim.SGD(own.parameters(), { lr: 0.05, momentum: 0.9 }),
      scheduler: (optimizer) => new optim.schedulers.StepLR(optimizer, { stepSize: 40, gamma: 0.7 }),
      maxSteps: 100,
      accumulation: 2,
      saveEvery: 4,
    });
    return { model: net, trainer };
  },
};

const plain = (_key: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value);
const tell = (value: object) => process.stdout.write(`${JSON.stringify(value, plain)}\n`);

torch.manualSeed(7);
const { model, trainer } = makers[kind]();
void (async () => {
  for await (const event of trainer) {
    if (event.type === 'start') tell({ type: 'start', step: event.step });
    if (event.type === 'step') {
      const { type, step, epoch, loss, nll, gradNorm, learningRate, tokens, targets } = event;
      tell({ type, step, values: [epoch, loss, nll, gradNorm, learningRate, tokens, targets] });
    }
    if (event.type === 'evaluation')
      tell({ type: 'evaluation', step: event.step, loss: event.metrics.eval_loss, best: event.best });
    if (event.type === 'checkpoint') tell({ type: 'checkpoint', step: event.step, reason: event.reason });
    if (event.type === 'warning') tell({ type: 'warning', message: event.message });
    if (event.type === 'end') {
      const weights = [...model.stateDict()].map(([name, tensor]) => [name, tensor.tolist()]);
      const recent = event.recent.map((folder) => path.basename(folder));
      tell({ type: 'end', best: event.best, recent, targets: event.targets, weights, log: trainer.state.logHistory });
    }
  }
})().catch((error: unknown) => {
  tell({ type: 'error', message: String(error) });
  process.exitCode = 1;
});
