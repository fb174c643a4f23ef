/** AdamW, clipping and groups against PyTorch, and misuse. */
import fs from 'node:fs';
import path from 'node:path';

import * as nn from '../../lib/nn';
import { AdamW, clipGradNorm, decayGroups } from '../../lib/optim';
import { torch, type Tensor } from '../../lib/tensor';
import { farthest } from '../nn/close';

interface Training {
  state: Record<string, number[]>;
  x: number[][];
  y: number[][];
  losses: number[];
  norms: number[];
  final: Record<string, unknown>;
  moments: { step: number; expAvg: unknown; expAvgSq: unknown }[];
}
const { training } = JSON.parse(fs.readFileSync(path.join(__dirname, '../fixtures/tensor/golden.json'), 'utf8')) as {
  training: Training;
};

const double = (values: number[] | number[][]) => torch.tensor(values, { dtype: 'float64' });
const settings = { lr: 0.05, betas: [0.8, 0.95] as const, eps: 1e-6 };

function makeNet(): nn.Sequential {
  const net = new nn.Sequential(new nn.Linear(4, 8), new nn.Tanh(), new nn.LayerNorm(8), new nn.Linear(8, 1)).to(
    'float64',
  );
  net.loadStateDict(Object.entries(training.state).map(([name, values]) => [name, double(values)] as const));
  return net;
}

/** Steps `from` to `to` of the script's training. */
function train(net: nn.Sequential, adam: AdamW, from: number, to: number): { losses: number[]; norms: number[] } {
  const [losses, norms]: [number[], number[]] = [[], []];
  for (let step = from; step < to; step++) {
    torch.scope(() => {
      for (const group of adam.groups) group.lr = 0.05 * Math.min(1, step / 3);
      const loss = nn.functional.mseLoss(net.forward(double(training.x)), double(training.y));
      adam.zeroGrad();
      loss.backward();
      norms.push(clipGradNorm(net.parameters(), 0.5));
      adam.step();
      losses.push(loss.item());
    });
  }
  return { losses, norms };
}

const largestGap = (a: number[], b: number[]) => Math.max(...a.map((value, index) => Math.abs(value - b[index]!)));

test('losses, norms, weights and moments follow PyTorch', () => {
  const net = makeNet();
  const adam = new AdamW(decayGroups(net, 0.3), settings);
  expect(adam.groups.map(({ weightDecay, params }) => [weightDecay, params.length])).toEqual([
    [0.3, 2],
    [0, 4],
  ]);
  const { losses, norms } = train(net, adam, 0, 12);
  expect(largestGap(losses, training.losses)).toBeLessThan(1e-12);
  expect(largestGap(norms, training.norms)).toBeLessThan(1e-12);
  for (const [name, value] of net.stateDict()) expect(farthest(value, training.final[name])).toBeLessThan(1e-12);
  adam.stateDict().state.forEach((state, index) => {
    const wanted = training.moments[index]!;
    expect(state!.step).toBe(wanted.step);
    expect(farthest(state!.expAvg, wanted.expAvg)).toBeLessThan(1e-12);
    expect(farthest(state!.expAvgSq, wanted.expAvgSq)).toBeLessThan(1e-12);
  });
});

test('a state dict carries training over to the bit', () => {
  const [whole, first] = [makeNet(), makeNet()];
  const wholeAdam = new AdamW(decayGroups(whole, 0.3), settings);
  const expected = train(whole, wholeAdam, 0, 12).losses;

  const firstAdam = new AdamW(decayGroups(first, 0.3), settings);
  train(first, firstAdam, 0, 5);
  const second = makeNet();
  second.loadStateDict(first.stateDict());
  const secondAdam = new AdamW(decayGroups(second, 0.9), { lr: 1 });
  secondAdam.loadStateDict(firstAdam.stateDict());
  expect(secondAdam.groups[0]).toMatchObject({ weightDecay: 0.3, betas: [0.8, 0.95], eps: 1e-6 });
  firstAdam.dispose();
  expect(train(second, secondAdam, 5, 12).losses).toEqual(expected.slice(5));
});

test("PyTorch's defaults", () => {
  const adam = new AdamW([torch.ones([1], { requiresGrad: true })]);
  expect(adam.groups[0]).toMatchObject({ lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0.01 });
});

test('parameters without a gradient are left alone', () => {
  const [a, b] = [torch.ones([1], { requiresGrad: true }), torch.ones([1], { requiresGrad: true })];
  const adam = new AdamW([a, b], { lr: 0.5 });
  a.mul(1).sum().backward();
  adam.step();
  expect(a.item()).not.toBe(1);
  expect(b.item()).toBe(1);
  expect(adam.stateDict().state[1]).toBeNull();
  adam.zeroGrad();
  expect(a.grad).toBeNull();
});

test('a loop of steps leaves nothing behind', () => {
  const net = new nn.Linear(3, 1);
  const adam = new AdamW(net.parameters());
  const x = torch.ones([2, 3]);
  const step = () =>
    torch.scope(() => {
      adam.zeroGrad();
      net.forward(x).sum().backward();
      adam.step();
    });
  step();
  const before = torch.memory();
  for (let i = 0; i < 50; i++) step();
  expect(torch.memory()).toEqual(before);
});

test('decay spares biases and norms, by class and by name, and decays embeddings', () => {
  class Model extends nn.Module {
    readonly embed_tokens = new nn.Embedding(3, 2);
    readonly odd = new nn.RMSNorm(2);
    readonly input_layernorm = new nn.Parameter(torch.ones([2]));
    readonly layers = [new nn.Linear(2, 2)];
    readonly normal = new nn.Parameter(torch.ones([2]));
    readonly norm = new nn.LayerNorm(2);
    override forward(x: Tensor): Tensor {
      return x;
    }
  }
  const model = new Model();
  const names = new Map<Tensor, string>(Array.from(model.namedParameters(), ([name, tensor]) => [tensor, name]));
  const [decayed, rest] = decayGroups(model, 0.1).map(({ params }) =>
    Array.from(params, (tensor) => names.get(tensor)).sort(),
  );
  expect(decayed).toEqual(['embed_tokens.weight', 'layers.0.weight', 'normal']);
  expect(rest).toEqual(['input_layernorm', 'layers.0.bias', 'norm.bias', 'norm.weight', 'odd.weight']);
  expect(decayGroups(new nn.LayerNorm(2), 0.1)).toHaveLength(1);
});

describe('misuse', () => {
  const leaf = () => torch.ones([2], { requiresGrad: true });
  const codeOf = (fn: () => unknown): string => {
    try {
      fn();
    } catch (error) {
      return (error as { code: string }).code;
    }
    return 'none';
  };

  test.each<[string, () => unknown, string]>([
    ['no parameters', () => new AdamW([]), 'ERR_ARGUMENT'],
    ['an empty group', () => new AdamW([{ params: [] }]), 'ERR_ARGUMENT'],
    ['a negative learning rate', () => new AdamW([leaf()], { lr: -1 }), 'ERR_ARGUMENT'],
    ['a beta of 1', () => new AdamW([leaf()], { betas: [0.9, 1] }), 'ERR_ARGUMENT'],
    ['NaN as epsilon', () => new AdamW([leaf()], { eps: NaN }), 'ERR_ARGUMENT'],
    ['a computed tensor', () => new AdamW([leaf().mul(leaf())]), 'ERR_ARGUMENT'],
    [
      'a disposed parameter',
      () => {
        const gone = leaf();
        gone.dispose();
        return new AdamW([gone]);
      },
      'ERR_DISPOSED',
    ],
    [
      'the same parameter twice',
      () => {
        const same = leaf();
        return new AdamW([{ params: [same] }, { params: [same] }]);
      },
      'ERR_ARGUMENT',
    ],
    ['parameters and groups', () => new AdamW([leaf(), { params: [leaf()] }] as never), 'ERR_ARGUMENT'],
    [
      'a learning rate broken later',
      () => {
        const adam = new AdamW([leaf()]);
        adam.groups[0]!.lr = NaN;
        adam.step();
      },
      'ERR_ARGUMENT',
    ],
    [
      'use after dispose',
      () => {
        const adam = new AdamW([leaf()]);
        adam.dispose();
        adam.step();
      },
      'ERR_DISPOSED',
    ],
    ['a state of other groups', () => new AdamW([leaf()]).loadStateDict({ groups: [], state: [] }), 'ERR_CHECKPOINT'],
    [
      'a state of other shapes',
      () => {
        const adam = new AdamW([leaf()]);
        const moment = torch.zeros([3]);
        const [group] = adam.stateDict().groups;
        adam.loadStateDict({ groups: [group!], state: [{ step: 1, expAvg: moment, expAvgSq: moment }] });
      },
      'ERR_CHECKPOINT',
    ],
    ['a norm of nothing', () => clipGradNorm([leaf()], 0), 'ERR_ARGUMENT'],
  ])('%s', (_name, fn, code) => expect(codeOf(fn)).toBe(code));
});
