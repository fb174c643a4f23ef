/** First values against PyTorch under a seed: the same numbers. Weights that are normed, over steps of training. */
import fs from 'node:fs';
import path from 'node:path';

import * as nn from '../../lib/nn';
import { Generator, torch, type Tensor } from '../../lib/tensor';
import { farthest } from './close';

interface Normed {
  outputs: unknown[];
  evaluated: unknown;
  state: Record<string, unknown>;
  grads: Record<string, unknown>;
}
const golden = JSON.parse(fs.readFileSync(path.join(__dirname, '../fixtures/nn/init.json'), 'utf8')) as {
  layers: string[];
  init: { name: string; shape: number[]; args: unknown[]; dtype: 'float32'; values: unknown }[];
  gains: { args: [nn.init.Nonlinearity, number?]; gain: number }[];
  norms: Record<string, Normed>;
};
const code = (fn: () => unknown): string => {
  try {
    fn();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'none';
};

test.each(golden.init.map((each, index) => [`${each.name} ${JSON.stringify(each.args)}`, each, index] as const))(
  '%s',
  (_, { name, shape, args, dtype, values }, index) => {
    torch.scope(() => {
      torch.manualSeed(index);
      const tensor = torch.empty(shape, { dtype });
      const fill = (nn.init as unknown as Record<string, (tensor: Tensor, ...args: unknown[]) => Tensor>)[name]!;
      expect(fill(tensor, ...args)).toBe(tensor);
      // QR differs in its last bits from one number of threads to another.
      expect(farthest(tensor, values)).toBeLessThan(name === 'orthogonal_' ? 1e-6 : 1e-30);
    });
  },
);

test.each(golden.gains)('gain of $args', ({ args, gain }) => expect(nn.init.calculateGain(...args)).toBe(gain));

test('first values take a generator of their own, and fill parameters without gradients', () => {
  const draw = () => {
    const { weight } = new nn.Linear(3, 2);
    nn.init.kaimingNormal_(weight, { generator: new Generator({ seed: 5 }) });
    nn.init.orthogonal_(weight, 1, { generator: new Generator({ seed: 5 }) });
    nn.init.truncNormal_(weight, 0, 1, -2, 2, { generator: new Generator({ seed: 5 }) });
    expect([weight.requiresGrad, weight.isLeaf, weight.gradFn]).toEqual([true, true, null]);
    return weight.toArray();
  };
  expect(draw()).toEqual(draw());
});

test('misuse', () => {
  const flat = torch.empty([3]);
  for (const [fill, wanted] of [
    [() => nn.init.ones_(3 as never), 'ERR_ARGUMENT'],
    [() => nn.init.xavierUniform_([1] as never), 'ERR_ARGUMENT'],
    [() => nn.init.kaimingUniform_(undefined as never), 'ERR_ARGUMENT'],
    [() => nn.init.orthogonal_(null as never), 'ERR_ARGUMENT'],
    [() => nn.init.xavierNormal_(torch.empty([2, 2]), { gain: 2 } as never), 'ERR_ARGUMENT'],
    [() => nn.init.uniform_(flat, 'low' as never), 'ERR_ARGUMENT'],
    [() => nn.init.xavierUniform_(flat), 'ERR_SHAPE'],
    [() => nn.init.kaimingNormal_(flat), 'ERR_SHAPE'],
    [() => nn.init.orthogonal_(flat), 'ERR_SHAPE'],
    [() => nn.init.eye_(flat), 'ERR_SHAPE'],
    [() => nn.init.sparse_(flat, 0.5), 'ERR_SHAPE'],
    [() => nn.init.sparse_(torch.empty([2, 2]), 2), 'ERR_ARGUMENT'],
    [() => nn.init.dirac_(flat), 'ERR_SHAPE'],
    [() => nn.init.dirac_(torch.empty([3, 1, 2]), 2), 'ERR_SHAPE'],
    [() => nn.init.truncNormal_(flat, 0, -1), 'ERR_ARGUMENT'],
    [() => nn.init.truncNormal_(flat, 0, 1, 2, 1), 'ERR_ARGUMENT'],
    [() => nn.init.kaimingUniform_(torch.empty([2, 2]), { mode: 'fan_in' as 'fanIn' }), 'ERR_ARGUMENT'],
    [() => nn.init.calculateGain('gelu' as 'relu'), 'ERR_ARGUMENT'],
  ] as const) {
    expect(code(fill)).toBe(wanted);
  }
});

describe('parametrisations', () => {
  const { parametrizations, parametrize } = nn.utils;
  const norms: Record<string, (layer: nn.Module) => nn.Module> = {
    weightNorm: (layer) => parametrizations.weightNorm(layer),
    weightNormAll: (layer) => parametrizations.weightNorm(layer, { dim: null }),
    weightNormConv: (layer) => parametrizations.weightNorm(layer, { dim: 1 }),
    spectralNorm: (layer) => parametrizations.spectralNorm(layer, { nPowerIterations: 2 }),
    spectralNormTransposed: (layer) => parametrizations.spectralNorm(layer, { nPowerIterations: 2 }),
  };
  const make = (kind: string): nn.Layer => {
    torch.manualSeed(7);
    const plain = kind.endsWith('Conv')
      ? new nn.Conv1d(2, 3, 2)
      : kind.endsWith('Transposed')
        ? new nn.ConvTranspose1d(2, 3, 2)
        : new nn.Linear(3, 4);
    torch.manualSeed(8);
    return norms[kind]!(plain.double()) as nn.Layer;
  };

  test.each(Object.keys(norms))('%s', (kind) => {
    const wanted = golden.norms[kind]!;
    const layer = make(kind);
    expect([...layer.stateDict().keys()].sort()).toEqual(Object.keys(wanted.state).sort());
    const size = kind.endsWith('Conv') || kind.endsWith('Transposed') ? [2, 2, 5] : [2, 3];
    const count = size.reduce((product, each) => product * each, 1);
    const x = torch.arange(0, count, 1, { dtype: 'float64' }).sin().reshape(size);
    for (const output of wanted.outputs) {
      const y = layer.forward(x);
      expect(farthest(y, output)).toBeLessThan(1e-9);
      y.mul(y).sum().backward();
    }
    expect(farthest(layer.eval().forward(x), wanted.evaluated)).toBeLessThan(1e-9);
    for (const [name, value] of layer.stateDict()) expect(farthest(value, wanted.state[name])).toBeLessThan(1e-9);
    for (const [name, parameter] of layer.namedParameters()) {
      expect(farthest(parameter.grad!, wanted.grads[name])).toBeLessThan(1e-8);
    }
  });

  test('are removed, copied, assigned and stacked', () => {
    const layer = parametrizations.weightNorm(new nn.Linear(2, 2));
    const before = layer.weight.toArray();
    const copy = layer.clone();
    torch.noGrad(() => copy.getParameter('parametrizations.weight.original0').mul_(2));
    expect(
      farthest(
        copy.weight,
        torch
          .tensor(before as number[][])
          .mul(2)
          .toArray(),
      ),
    ).toBeLessThan(1e-6);
    expect(layer.weight.toArray()).toEqual(before);
    expect(parametrize.isParametrized(layer, 'weight')).toBe(true);
    parametrize.removeParametrizations(layer, 'weight');
    expect([layer.weight.toArray(), layer.weight instanceof nn.Parameter]).toEqual([before, true]);
    expect([...layer.stateDict().keys()].sort()).toEqual(['bias', 'weight']);
    expect(parametrize.isParametrized(layer)).toBe(false);

    class Symmetric extends nn.Module {
      override forward(x: Tensor): Tensor {
        return x.triu().add(x.triu(1).t());
      }
      rightInverse(x: Tensor): Tensor {
        return x.triu();
      }
    }
    class Doubled extends nn.Module {
      override forward(x: Tensor): Tensor {
        return x.mul(2);
      }
    }
    parametrize.registerParametrization(layer, 'weight', new Symmetric());
    (layer as { weight: Tensor }).weight = torch.tensor([
      [1, 2],
      [2, 3],
    ]);
    expect(layer.weight.toArray()).toEqual([
      [1, 2],
      [2, 3],
    ]);
    parametrize.registerParametrization(layer, 'weight', new Doubled());
    expect(layer.weight.toArray()).toEqual([
      [2, 4],
      [4, 6],
    ]);
    expect(code(() => ((layer as { weight: Tensor }).weight = torch.ones([2, 2])))).toBe('ERR_ARGUMENT');
    expect(code(() => parametrize.registerParametrization({} as never, 'weight', new Doubled()))).toBe('ERR_ARGUMENT');
    expect(code(() => parametrizations.spectralNorm(null as never))).toBe('ERR_ARGUMENT');
    expect(code(() => parametrize.removeParametrizations(3 as never, 'weight'))).toBe('ERR_ARGUMENT');
    expect(code(() => parametrize.registerParametrization(layer, 'wait', new Doubled()))).toBe('ERR_ARGUMENT');
    expect(code(() => parametrizations.spectralNorm(new nn.Linear(2, 2), { dim: 5 }))).toBe('ERR_SHAPE');
    expect(code(() => parametrize.removeParametrizations(layer, 'bias'))).toBe('ERR_ARGUMENT');
  });
});

test('parameters as one vector and back', () => {
  const net = new nn.Sequential(new nn.Linear(2, 3), new nn.Linear(3, 1));
  const vector = nn.utils.parametersToVector(net.parameters());
  expect([vector.shape, vector.requiresGrad]).toEqual([[13], true]);
  const other = new nn.Sequential(new nn.Linear(2, 3), new nn.Linear(3, 1));
  nn.utils.vectorToParameters(vector, other.parameters());
  expect(other.forward(torch.ones([1, 2])).toArray()).toEqual(net.forward(torch.ones([1, 2])).toArray());
  expect(code(() => nn.utils.vectorToParameters(vector.narrow(0, 0, 3), other.parameters()))).toBe('ERR_SHAPE');
  expect(code(() => nn.utils.parametersToVector(3 as never))).toBe('ERR_ARGUMENT');
  expect(code(() => nn.utils.vectorToParameters([1] as never, other.parameters()))).toBe('ERR_ARGUMENT');
});
