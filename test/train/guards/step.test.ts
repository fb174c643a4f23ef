/** What one native step does with numbers that are not finite, and where its time goes. */
import fs from 'node:fs';

import { GradScaler, AdamW, clipGradNorm, decayGroups } from '../../../lib/optim';
import { ResidualLlama } from '../../../lib/residual';
import { torch, type Tensor } from '../../../lib/tensor';
import { BlockData } from '../../../lib/train/block-data';
import { trainSchema, type TrainOptions } from '../../../lib/train/config';
import { NativeStep } from '../../../lib/train/steps/native-step';
import type { StepResult } from '../../../lib/train/steps/step';
import { temporaryFolder, vocabSize } from '../tokens';

const blockSize = 8;
let folder: string;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

/** Blocks that are all the same, so that it is the same wherever a training is in them. */
function sameBlocks(count: number) {
  const file = `${folder}/same-${count}.bin`;
  fs.writeFileSync(
    file,
    Uint16Array.from({ length: count * blockSize }, (_, index) => ((index % blockSize) * 5) % vocabSize),
  );
  const offsets = Float64Array.from({ length: count }, (_, block) => block * blockSize);
  return { file, dtype: 'uint16' as const, blockSize, offsets, tokens: count * blockSize };
}

function makeModel(): ResidualLlama {
  torch.manualSeed(7);
  const sizes = { vocabSize, hiddenSize: 16, intermediateSize: 32, numHiddenLayers: 2, numAttentionHeads: 2 };
  const model = ResidualLlama.create({ ...sizes, residual: 'baseline', tieWordEmbeddings: false });
  model.train();
  return model;
}

function makeStep(model: ResidualLlama, options: TrainOptions = {}): NativeStep {
  const blocks = sameBlocks(64);
  const config = trainSchema.parse({ batchSize: 4, maxSteps: 100, ...options });
  return new NativeStep(model, new BlockData(model, { train: blocks, validation: blocks }, config), config, 0);
}

const run = (step: NativeStep, steps: number) =>
  step.run({
    steps,
    learningRate: 1e-2,
    signal: undefined,
    stopped: new AbortController().signal,
  }) as Promise<StepResult>;

const weightsOf = (model: ResidualLlama) => [...model.parameters()].map((parameter) => parameter.toArray());
const named = (model: ResidualLlama, name: string) => new Map(model.namedParameters()).get(name)!;
const write = (parameter: Tensor, value: number) => torch.noGrad(() => parameter.fill_(value));

function freezeAllBut(model: ResidualLlama, kept: readonly string[]): void {
  for (const [name, parameter] of model.namedParameters()) parameter.requiresGrad = kept.includes(name);
}

const faults: [name: string, spoil: (model: ResidualLlama) => void, told: StepResult['nonFinite']][] = [
  [
    'a weight',
    (model) => torch.noGrad(() => named(model, 'model.layers.1.mlp.up_proj.weight').select(0, 3).fill_(NaN)),
    { what: 'weight', where: 'model.layers.1.mlp.up_proj.weight' },
  ],
  [
    // Both gradients are bad; the optimiser has the norm's, which is not decayed, behind the other.
    'a loss',
    (model) => {
      freezeAllBut(model, ['lm_head.weight', 'model.norm.weight']);
      write(named(model, 'lm_head.weight'), 3e38);
    },
    { what: 'loss', where: 'model.norm.weight' },
  ],
  [
    'a gradient',
    (model) => {
      // What is multiplied by the second is 0, however large the factors are; the second's gradient is theirs.
      write(named(model, 'model.layers.1.mlp.up_proj.weight'), 0);
      write(named(model, 'model.layers.1.mlp.gate_proj.weight'), 10);
      write(named(model, 'model.layers.1.mlp.down_proj.weight'), 3e38);
      write(named(model, 'model.norm.weight'), -1e4);
      freezeAllBut(model, ['model.layers.1.mlp.up_proj.weight', 'model.norm.weight']);
    },
    { what: 'gradient', where: 'model.layers.1.mlp.up_proj.weight' },
  ],
  [
    'a norm alone',
    (model) => torch.noGrad(() => named(model, 'lm_head.weight').mul_(-1e21)),
    { what: 'gradient', where: null },
  ],
];

test.each(faults)('%s that is not finite is told with its place, and nothing is updated', async (_, spoil, told) => {
  const model = makeModel();
  await using step = makeStep(model);
  await run(step, 0);
  spoil(model);
  const before = weightsOf(model);
  const result = await run(step, 1);
  expect(result.nonFinite).toEqual(told);
  expect(Number.isFinite(result.loss)).toBe(told!.what === 'gradient');
  expect(Number.isFinite(result.gradNorm)).toBe(false);
  expect(weightsOf(model)).toEqual(before);
});

test('a step that was left out leaves the optimiser as it was: what follows is the same to the bit', async () => {
  const losses = async (isSpoiled: boolean) => {
    const model = makeModel();
    await using step = makeStep(model);
    const results = [await run(step, 0), await run(step, 1)];
    if (isSpoiled) {
      const head = named(model, 'lm_head.weight');
      const sound = head.detach().clone();
      write(head, NaN);
      expect((await run(step, 2)).nonFinite).toMatchObject({ what: 'weight' });
      torch.noGrad(() => head.copy_(sound));
    }
    for (const number of [3, 4]) results.push(await run(step, number));
    return [results.map(({ loss, gradNorm }) => [loss, gradNorm]), weightsOf(model)];
  };
  expect(await losses(true)).toEqual(await losses(false));
});

test('the parts of a step add up to it', async () => {
  await using step = makeStep(makeModel(), { accumulation: 3 });
  await run(step, 0);
  const start = performance.now();
  const { split } = await run(step, 1);
  const seconds = (performance.now() - start) / 1000;
  const parts: number[] = Object.values(split);
  expect(Object.keys(split)).toEqual(['data', 'forward', 'backward', 'optimizer']);
  for (const part of parts) expect(part).toBeGreaterThan(0);
  expect(parts.reduce((sum, part) => sum + part, 0)).toBeLessThanOrEqual(seconds);
});

describe('float16', () => {
  test('its loss scale goes by the rules of GradScaler, and its updates are those of a loop with one', async () => {
    const steps = 16;
    const options = { initScale: 2 ** 26, growthInterval: 3 };
    const model = makeModel();
    await using step = makeStep(model, { precision: 'float16' });
    step.scaler!.loadStateDict(new GradScaler(options).stateDict());
    const native: [scale: number, isLeftOut: boolean][] = [];
    for (let number = 0; number < steps; number++) {
      const { scale, nonFinite } = await run(step, number);
      native.push([scale!, nonFinite !== null]);
    }

    const other = makeModel();
    const ids = torch.tensor(
      Array.from({ length: 4 }, () => Array.from({ length: blockSize }, (_, i) => (i * 5) % vocabSize)),
      {
        dtype: 'int64',
      },
    );
    const adam = new AdamW(decayGroups(other, 0), { lr: 1e-2 });
    const scaler = new GradScaler(options);
    const loop: [scale: number, isLeftOut: boolean][] = [];
    for (let number = 0; number < steps; number++) {
      torch.scope(() => {
        const scale = scaler.currentScale;
        const loss = torch.autocast({ device: 'cpu', dtype: 'float16' }, () => other.call('loss', [ids, null])[0]!);
        adam.zeroGrad();
        scaler.scale(loss).backward();
        scaler.unscale_(adam);
        clipGradNorm(other.parameters(), 1);
        const isMade = scaler.step(adam);
        scaler.update();
        loop.push([scale, !isMade]);
      });
    }
    expect(native).toEqual(loop);
    expect(native.some(([, isLeftOut]) => isLeftOut) && native.some(([, isLeftOut]) => !isLeftOut)).toBe(true);
    expect(step.scaler!.stateDict()).toEqual(scaler.stateDict());
    // Norms are summed by another thread, in another order.
    [...model.parameters()].forEach((parameter, index) => {
      const gap = parameter
        .detach()
        .sub([...other.parameters()][index]!.detach())
        .abs()
        .max()
        .item();
      expect(gap).toBeLessThan(1e-4);
    });
  });
});
