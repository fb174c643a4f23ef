/** Ten updates of DeLighT by the Trainer, against those of the original. */
import fs from 'node:fs';
import path from 'node:path';

import { DelightTransformer, type TranslationModelOptions } from '../../lib/delight';
import { loadSafetensors, saveSafetensors, torch, type Tensor } from '../../lib/tensor';
import { Trainer, type StepEvent } from '../../lib/train';
import { eosTokenId, padTokenId, writePairs } from './pairs';
import { temporaryFolder } from './tokens';

const fixtures = path.join(__dirname, '../fixtures/delight');
const name = 'train_10_steps.safetensors';

interface Golden {
  vocab: number;
  optimizer: { lr: number; betas: [number, number]; eps: number; weight_decay: number };
  ntokens: number;
  tolerance: { float32: { loss_rtol: number; param_atol: number } };
}
const golden = (
  JSON.parse(fs.readFileSync(path.join(fixtures, 'index.json'), 'utf8')) as { files: Record<string, Golden> }
).files[name]!;
const { loss_rtol: lossTolerance, param_atol: parameterTolerance } = golden.tolerance.float32;

/** The fixture's model in our words. */
const configuration = (): TranslationModelOptions => ({
  type: 'delight',
  hiddenSize: 32,
  embeddingSize: 16,
  embedding: { depth: 2, widthMultiplier: 2, maxGroups: 4 },
  encoder: { scaling: 'block', blocks: 2, minDepth: 2, maxDepth: 4, widthMultiplier: 2, maxGroups: 4 },
  decoder: { scaling: 'block', blocks: 2, minDepth: 2, maxDepth: 4, widthMultiplier: 2, maxGroups: 4 },
  sourceVocabSize: golden.vocab,
  targetVocabSize: golden.vocab,
  shareEmbeddings: true,
  padTokenId,
  eosTokenId,
  labelSmoothing: 0.1,
  dropout: 0,
  attentionDropout: 0,
  ffnDropout: 0,
  unitDropout: 0,
  embeddingDropout: 0,
  positionDropout: 0,
  activationDropout: 0,
});

let folder: string;
let tensors: Map<string, Tensor>;
beforeAll(async () => {
  folder = temporaryFolder();
  tensors = await loadSafetensors(path.join(fixtures, name));
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

const numbers = (key: string) => tensors.get(key)!.to('float64').toArray() as number[];

/** Sentences without marks. */
function sentences(key: string): number[][] {
  const rows = tensors.get(key)!.to('int32').toArray() as number[][];
  return rows.map((row) => row.filter((id) => id !== padTokenId && id !== eosTokenId));
}

async function loadGoldenModel(): Promise<DelightTransformer> {
  const weights = [...tensors]
    .filter(([key]) => key.startsWith('w0.'))
    .map(([key, value]) => [key.slice(3), value] as const);
  const file = path.join(folder, 'w0.safetensors');
  await saveSafetensors(file, weights);
  const model = DelightTransformer.create(configuration());
  await model.loadWeights(file);
  return model;
}

test('losses, norms and weights follow the original', async () => {
  const [sources, targets] = [sentences('in.src_tokens'), sentences('in.target')];
  const data = writePairs(
    folder,
    'golden',
    sources.map((source, index) => [source, targets[index]!]),
  );
  const model = await loadGoldenModel();
  const { lr, betas, eps, weight_decay: weightDecay } = golden.optimizer;
  const trainer = new Trainer(model, {
    data: { train: data, validation: data },
    maxSteps: 10,
    optimizer: 'fairseq-adam',
    learningRate: lr,
    schedule: 'constant',
    beta1: betas[0],
    beta2: betas[1],
    epsilon: eps,
    weightDecay,
    maxGradNorm: null,
  });
  const steps: StepEvent[] = [];
  for await (const event of trainer) if (event.type === 'step') steps.push(event);

  expect(steps.map(({ targets: predicted }) => predicted)).toEqual(Array.from({ length: 10 }, () => golden.ntokens));
  const follow = (actual: number[], key: string) =>
    numbers(key).forEach((wanted, step) => expect(Math.abs(actual[step]! / wanted - 1)).toBeLessThan(lossTolerance));
  follow(
    steps.map(({ loss }) => loss * golden.ntokens),
    'out.loss',
  );
  follow(
    steps.map(({ nll }) => nll * golden.ntokens),
    'out.nll',
  );
  follow(
    steps.map(({ gradNorm }) => gradNorm),
    'out.grad_norm',
  );
  const parameters = new Map(model.namedParameters());
  const wanted = [...tensors].filter(([key]) => key.startsWith('w10.'));
  expect(wanted).toHaveLength(5);
  for (const [key, value] of wanted) {
    const gap = torch.scope(() => parameters.get(key.slice(4))!.detach().sub(value).abs().max().item());
    expect(gap).toBeLessThan(parameterTolerance);
  }
});
