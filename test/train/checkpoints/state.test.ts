import fs from 'node:fs';

import * as nn from '../../../lib/nn';
import * as optim from '../../../lib/optim';
import { torch } from '../../../lib/tensor';
import { findResumable } from '../../../lib/train/checkpoints';
import { fromExactJson, toExactJson } from '../../../lib/train/checkpoints/exact-json';
import { StepBeginning } from '../../../lib/train/checkpoints/step-beginning';
import { factsAt, goOn, keeperOf, makeNet, partsOf, temporaryFolder, trainSteps, weightsOf } from './room';

let run: string;
beforeEach(() => {
  run = temporaryFolder();
});
afterEach(() => fs.rmSync(run, { recursive: true, force: true }));

const groups = (net: nn.Module) => {
  const [first, ...others] = [...net.parameters()];
  return [{ params: [first!], lr: 0.02 }, { params: others }];
};

const optimizers: Record<string, (net: nn.Module) => optim.Optimizer> = {
  AdamW: (net) => new optim.AdamW(groups(net), { lr: 0.01, weightDecay: 0.1 }),
  'Adam with amsgrad': (net) => new optim.Adam(groups(net), { lr: 0.01, amsgrad: true, weightDecay: 0.1 }),
  'AdamW of fairseq': (net) => new optim.AdamW(groups(net), { epsilonBeforeCorrection: true }),
  SGD: (net) => new optim.SGD(groups(net), { lr: 0.05 }),
  'SGD with momentum': (net) => new optim.SGD(groups(net), { lr: 0.05, momentum: 0.9, nesterov: true }),
  RMSprop: (net) => new optim.RMSprop(groups(net), { centered: true, momentum: 0.5 }),
  Lion: (net) => new optim.Lion(groups(net), { lr: 0.001 }),
  Adafactor: (net) => new optim.Adafactor(groups(net), { lr: 0.05 }),
};

test.each(Object.entries(optimizers))('%s goes on from a checkpoint as if nothing had been', async (_name, make) => {
  const net = makeNet();
  using optimizer = make(net);
  trainSteps(net, optimizer, 4);
  optimizer.groups[0]!.lr = 0.007;
  await keeperOf(run, net).save(factsAt(4), partsOf(optimizer), { best: null, recent: [] });
  const losses = trainSteps(net, optimizer, 5);

  const other = makeNet();
  using resumed = make(other);
  trainSteps(other, resumed, 1);
  await goOn(other, (await findResumable(run))!, partsOf(resumed));
  expect(resumed.groups[0]!.lr).toBe(0.007);
  expect(trainSteps(other, resumed, 5)).toEqual(losses);
  expect(weightsOf(other)).toEqual(weightsOf(net));
});

test('an optimiser before its first step, and a scaler, go on too', async () => {
  const net = makeNet();
  using optimizer = new optim.AdamW(net.parameters(), { lr: 0.01 });
  const scaler = new optim.GradScaler({ initScale: 1024 });
  await keeperOf(run, net).save(factsAt(0), partsOf(optimizer, scaler), { best: null, recent: [] });
  const losses = trainSteps(net, optimizer, 2);
  const other = makeNet();
  using resumed = new optim.AdamW(other.parameters(), { lr: 0.5 });
  const otherScaler = new optim.GradScaler();
  await goOn(other, (await findResumable(run))!, partsOf(resumed, otherScaler));
  expect(otherScaler.stateDict()).toEqual(scaler.stateDict());
  expect(trainSteps(other, resumed, 2)).toEqual(losses);
});

test('the state of another optimiser, or of other parameters, is refused', async () => {
  const net = makeNet();
  using optimizer = new optim.AdamW(net.parameters());
  trainSteps(net, optimizer, 1);
  await keeperOf(run, net).save(factsAt(1), partsOf(optimizer), { best: null, recent: [] });
  const found = (await findResumable(run))!;
  using sgd = new optim.SGD(net.parameters());
  await expect(goOn(net, found, partsOf(sgd))).rejects.toMatchObject({
    code: 'ERR_CHECKPOINT',
    message: expect.stringMatching(/AdamW.*SGD/) as string,
  });
  using fewer = new optim.AdamW([...net.parameters()].slice(1));
  await expect(goOn(net, found, partsOf(fewer))).rejects.toMatchObject({ code: 'ERR_CHECKPOINT' });
});

test('every number comes back from exact JSON', () => {
  const value = { a: [NaN, Infinity, -Infinity, -0, 0, 0.1 + 0.2, 5e-324, 2 ** 60], b: { c: null, d: 'NaN', e: true } };
  const back = fromExactJson(toExactJson(value));
  expect(back).toEqual(value);
  expect(Object.is((back as typeof value).a[3], -0)).toBe(true);
});

test('a step that is broken off leaves neither generators nor buffers changed', () => {
  const net = new nn.Sequential(new nn.Linear(4, 4), new nn.BatchNorm1d(4), new nn.Dropout(0.5));
  using beginning = new StepBeginning(net, ['cpu']);
  beginning.remember();
  const before = weightsOf(net);
  const drawn = torch.rand([5]).toArray();
  net.forward(torch.randn([8, 4]));
  expect(weightsOf(net)).not.toEqual(before);
  beginning.putBack();
  expect(weightsOf(net)).toEqual(before);
  expect(torch.rand([5]).toArray()).toEqual(drawn);
});
