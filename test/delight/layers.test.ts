import fs from 'node:fs';
import path from 'node:path';

import {
  Activation,
  AdaptiveInput,
  AdaptiveSoftmax,
  DecoderLayerState,
  DelightDecoderLayer,
  DelightEmbedding,
  DelightEncoderLayer,
  DelightTransformation,
  GatedLinear,
  GroupLinear,
  IncrementalState,
  LearnedPositions,
  RecurrentDropout,
  SingleHeadAttention,
  SinusoidalPositions,
} from '../../lib/delight';
import { Module } from '../../lib/nn';
import { gradcheck, noGrad, scope, torch, type Tensor } from '../../lib/tensor';
import { goldenFolder } from './golden';

const double = { dtype: 'float64' } as const;
const random = (...shape: number[]) => torch.randn(shape, double);
const ids = (rows: number[][]) => torch.tensor(rows, { dtype: 'int64' });
const named = (module: Module) => new Map(module.namedParameters());
const largest = (tensor: Tensor) => tensor.detach().abs().max().item();
const apart = (a: Tensor, b: Tensor) => largest(a.sub(b));
const code = (name: string): Error => expect.objectContaining({ code: name }) as Error;

beforeEach(() => torch.manualSeed(1));

describe('transforms', () => {
  test('a gated linear computes its gates side by side', () => {
    using layer = new GatedLinear({ inFeatures: 4, outFeatures: 3, gates: 2 }, double);
    const x = random(5, 2, 4);
    const { weights, bias } = Object.fromEntries(named(layer)) as Record<string, Tensor>;
    expect(apart(layer.forward(x), x.matmul(weights!.t()).add(bias!))).toBeLessThan(1e-12);
    expect(weights!.shape).toEqual([6, 4]);
  });

  test('a group linear sees each group by itself, and shuffles', () => {
    const options = { inFeatures: 6, outFeatures: 4, groups: 2 };
    using plain = new GroupLinear(options, double);
    using shuffled = new GroupLinear({ ...options, shuffle: true }, double);
    shuffled.loadStateDict(plain.stateDict());
    const x = random(3, 1, 6);
    const y = plain.forward(x);
    const changed = x.clone();
    changed.narrow(-1, 0, 3).zero_();
    expect(apart(plain.forward(changed).narrow(-1, 2, 2), y.narrow(-1, 2, 2))).toBe(0);
    const order = torch.tensor([0, 2, 1, 3], { dtype: 'int64' });
    expect(apart(shuffled.forward(x), y.indexSelect(-1, order))).toBe(0);
  });

  test('two dimensions come back in groups, as in the original; with one group they do not', () => {
    using two = new GroupLinear({ inFeatures: 6, outFeatures: 4, groups: 2 });
    using one = new GroupLinear({ inFeatures: 6, outFeatures: 4, groups: 1, shuffle: true });
    expect(two.forward(torch.randn([5, 6])).shape).toEqual([5, 2, 2]);
    expect(one.forward(torch.randn([5, 6])).shape).toEqual([5, 4]);
    expect(named(one).get('weights')!.shape).toEqual([4, 6]);
  });

  test('gradients are right through norm, activation and shuffle', () => {
    using layer = new GroupLinear(
      { inFeatures: 6, outFeatures: 8, groups: 2, shuffle: true, norm: 'layer', activation: 'swish' },
      double,
    );
    expect(() => gradcheck((x: Tensor) => layer.forward(x), [random(2, 2, 6).requiresGrad_()])).not.toThrow();
  });

  test('batch norm uses the batch in training and its statistics in evaluation', () => {
    using layer = new GroupLinear({ inFeatures: 4, outFeatures: 4, groups: 2, norm: 'batch' }, double);
    const y = noGrad(() => layer.forward(random(9, 3, 4).add(5)));
    expect(Math.abs(y.mean().item())).toBeLessThan(1e-6);
    layer.eval();
    expect(
      Math.abs(
        noGrad(() => layer.forward(random(9, 3, 4).add(5)))
          .mean()
          .item(),
      ),
    ).toBeGreaterThan(0.01);
  });

  const { cases } = JSON.parse(fs.readFileSync(path.join(goldenFolder, 'init_stats.json'), 'utf8')) as {
    cases: Record<string, { shape: number[]; bound: number; expected_std: number }>;
  };
  test.each([
    ['linear 128->64 (bias)', () => new GatedLinear({ inFeatures: 128, outFeatures: 64 })],
    ['linear gates3 64->64', () => new GatedLinear({ inFeatures: 64, outFeatures: 64, gates: 3 })],
    ['glt 128->256 g8', () => new GroupLinear({ inFeatures: 128, outFeatures: 256, groups: 8 })],
    ['glt 384->320 g4', () => new GroupLinear({ inFeatures: 384, outFeatures: 320, groups: 4 })],
  ])('%s begins as the original does', (name, create) => {
    using layer = create();
    const { shape, bound, expected_std: deviation } = cases[name]!;
    const weights = named(layer).get('weights')!;
    expect(weights.shape).toEqual(shape);
    expect(largest(weights)).toBeLessThanOrEqual(bound * (1 + 1e-6));
    expect(largest(weights)).toBeGreaterThan(0.98 * bound);
    expect(weights.detach().std().item() / deviation).toBeCloseTo(1, 1);
    expect(largest(named(layer).get('bias')!)).toBe(0);
  });

  test('a transformation has the sizes of its plan, and takes two or three dimensions', () => {
    const sizes = { inFeatures: 32, projFeatures: 16, outFeatures: 16, depth: 4, widthMultiplier: 2, maxGroups: 4 };
    using layer = new DelightTransformation(sizes);
    expect(layer.plan.layers.map(({ groups }) => groups)).toEqual([2, 4, 4, 2]);
    const x = torch.randn([3, 2, 32]);
    const y = layer.forward(x);
    expect(y.shape).toEqual([3, 2, 16]);
    expect(apart(layer.forward(x.select(0, 1)), y.select(0, 1))).toBeLessThan(1e-5);
  });

  test('impossible sizes and other widths are refused', () => {
    const sizes = { inFeatures: 32, projFeatures: 16, outFeatures: 16, depth: 4, widthMultiplier: 2, maxGroups: 4 };
    expect(() => new DelightTransformation({ ...sizes, depth: 1 })).toThrow(code('ERR_CONFIG'));
    expect(() => new DelightTransformation({ ...sizes, define: true, shuffle: true })).toThrow(code('ERR_CONFIG'));
    expect(() => new GroupLinear({ inFeatures: 6, outFeatures: 4, groups: 4 })).toThrow(code('ERR_CONFIG'));
    expect(() => new GroupLinear({ inFeatures: 8, outFeatures: 7, groups: 4 })).toThrow(
      'outFeatures 7 cannot be split into 4 groups; the nearest possible value is 8',
    );
    expect(() => new GatedLinear({ inFeatures: 0, outFeatures: 4 })).toThrow(code('ERR_CONFIG'));
    expect(() => new GatedLinear({ inFeatures: 4, outFeatures: 4, dropout: 1.5 })).toThrow(code('ERR_CONFIG'));
    expect(() => new Activation('softsign' as 'relu')).toThrow(code('ERR_CONFIG'));
    using group = new GroupLinear({ inFeatures: 6, outFeatures: 4, groups: 2 });
    expect(() => group.forward(torch.randn([2, 3, 5]))).toThrow(code('ERR_SHAPE'));
    expect(() => group.forward(torch.randn([6]))).toThrow(code('ERR_SHAPE'));
    using transformation = new DelightTransformation(sizes);
    expect(() => transformation.forward(torch.randn([1, 2, 3, 32]))).toThrow(code('ERR_SHAPE'));
  });
});

describe('attention', () => {
  const sizes = { queryFeatures: 8, projFeatures: 4, outFeatures: 6 };
  const causal = (time: number) => torch.full([time, time], -Infinity, double).triu(1);

  test('weights are shares; masked keys get nothing', () => {
    using layer = new SingleHeadAttention({ type: 'cross', keyValueFeatures: 5, ...sizes }, double);
    const keyPaddingMask = torch.tensor([[true, false, false], [false, false, false]]); // prettier-ignore
    const { output, weights } = layer.forward(random(4, 2, 8), { keyValue: random(3, 2, 5), keyPaddingMask });
    expect(output.shape).toEqual([4, 2, 6]);
    expect(apart(weights.sum(-1), torch.ones([4, 2], double))).toBeLessThan(1e-12);
    expect(largest(weights.select(1, 0).select(-1, 0))).toBe(0);
  });

  test('scores and values make the output', () => {
    using layer = new SingleHeadAttention({ type: 'self', ...sizes }, double);
    const x = random(4, 2, 8);
    const inputs = { attentionMask: causal(4) };
    const { scores, values } = layer.beforeSoftmax(x, inputs);
    const out = Object.fromEntries(named(layer)) as Record<string, Tensor>;
    const mixed = scores.softmax(-1).bmm(values).transpose(0, 1);
    const output = mixed.matmul(out['out_proj.weights']!.t()).add(out['out_proj.bias']!);
    expect(apart(layer.forward(x, inputs).output, output)).toBeLessThan(1e-12);
  });

  test('steps with a state equal the causal pass, and the state outlives its scope', () => {
    using layer = new SingleHeadAttention({ type: 'self', ...sizes }, double);
    using state = new IncrementalState();
    const x = random(4, 2, 8);
    const full = layer.forward(x, { attentionMask: causal(4) }).output;
    for (let time = 0; time < 4; time++) {
      scope(() => {
        const { output } = layer.step(x.narrow(0, time, 1), state);
        expect(apart(output, full.narrow(0, time, 1))).toBeLessThan(1e-12);
      });
      expect(state.length).toBe(time + 1);
    }
  });

  test('a reordered state continues the chosen rows', () => {
    using layer = new SingleHeadAttention({ type: 'self', ...sizes }, double);
    using state = new IncrementalState();
    const first = random(1, 2, 8);
    layer.step(first, state);
    state.reorder(torch.tensor([1, 1, 0], { dtype: 'int64' }));
    const next = random(1, 3, 8);
    const reordered = layer.step(next, state).output;
    using fresh = new IncrementalState();
    layer.step(first.indexSelect(1, torch.tensor([1, 1, 0], { dtype: 'int64' })), fresh);
    expect(apart(reordered, layer.step(next, fresh).output)).toBe(0);
    expect(() => state.reorder(torch.tensor([7], { dtype: 'int64' }))).toThrow();
  });

  test('padding masks of the steps are joined', () => {
    using layer = new SingleHeadAttention({ type: 'self', ...sizes }, double);
    using state = new IncrementalState();
    const x = random(2, 2, 8);
    layer.step(x.narrow(0, 0, 1), state, { keyPaddingMask: torch.tensor([[true], [false]]) });
    const { weights } = layer.step(x.narrow(0, 1, 1), state);
    expect(weights.select(1, 0).toArray()).toEqual([[0, 1]]);
    expect(state.paddingMask!.shape).toEqual([2, 2]);
  });

  test('cross attention keeps its keys and ignores what is given later', () => {
    using layer = new SingleHeadAttention({ type: 'cross', ...sizes }, double);
    using state = new IncrementalState();
    const [query, memory] = [random(1, 2, 8), random(3, 2, 8)];
    const first = layer.step(query, state, { keyValue: memory }).output;
    expect(apart(layer.step(query, state, { keyValue: random(3, 2, 8) }).output, first)).toBe(0);
    expect(apart(layer.step(query, state).output, first)).toBe(0);
    expect(state.length).toBe(3);
  });

  test('a state of another batch, and inputs that do not fit the type, are refused', () => {
    using self = new SingleHeadAttention({ type: 'self', ...sizes }, double);
    using cross = new SingleHeadAttention({ type: 'cross', ...sizes }, double);
    using state = new IncrementalState();
    self.step(random(1, 2, 8), state);
    expect(() => self.step(random(1, 3, 8), state)).toThrow(code('ERR_SHAPE'));
    expect(() => cross.forward(random(1, 2, 8))).toThrow(code('ERR_ARGUMENT'));
    expect(() => self.forward(random(1, 2, 7))).toThrow(code('ERR_SHAPE'));
    expect(() => self.forward(random(1, 2, 8), { keyValue: random(1, 2, 8) })).toThrow(code('ERR_ARGUMENT'));
    expect(() => new SingleHeadAttention({ type: 'self', keyValueFeatures: 5, ...sizes })).toThrow(code('ERR_CONFIG'));
  });
});

describe('encoder and decoder layers', () => {
  const options = { hiddenSize: 16, depth: 3, widthMultiplier: 2, maxGroups: 2 };

  test('padded positions do not change the others', () => {
    using layer = new DelightEncoderLayer(options, double).eval();
    const x = random(4, 1, 16);
    const paddingMask = torch.tensor([[false, false, false, true]]);
    const y = layer.forward(x, { paddingMask });
    const other = x.clone();
    other.select(0, 3).fill_(9);
    expect(apart(layer.forward(other, { paddingMask }).narrow(0, 0, 3), y.narrow(0, 0, 3))).toBe(0);
  });

  test('steps with a state equal the causal pass, reordered too', () => {
    using layer = new DelightDecoderLayer({ ...options, normalizeBefore: true }, double).eval();
    using state = new DecoderLayerState();
    const [x, encoderOut] = [random(3, 2, 16), random(5, 2, 16)];
    const selfAttentionMask = torch.full([3, 3], -Infinity, double).triu(1);
    const { output, crossWeights } = layer.forward(x, { encoderOut, selfAttentionMask });
    expect(crossWeights!.shape).toEqual([3, 2, 5]);
    for (let time = 0; time < 3; time++) {
      const step = layer.step(x.narrow(0, time, 1), state, { encoderOut });
      expect(apart(step.output, output.narrow(0, time, 1))).toBeLessThan(1e-12);
    }
    state.reorder(torch.tensor([1], { dtype: 'int64' }));
    const next = layer.step(random(1, 1, 16), state, { encoderOut: encoderOut.narrow(1, 1, 1) });
    expect(next.output.shape).toEqual([1, 1, 16]);
  });

  test('without cross attention there are no cross weights, and no encoder is wanted', () => {
    using layer = new DelightDecoderLayer({ ...options, crossAttention: false });
    expect(layer.forward(torch.randn([3, 2, 16])).crossWeights).toBeNull();
    using crossing = new DelightDecoderLayer(options);
    expect(() => crossing.forward(torch.randn([3, 2, 16]))).toThrow(code('ERR_ARGUMENT'));
    const encoderOut = torch.randn([5, 4, 16]);
    expect(() => layer.forward(torch.randn([3, 4, 16]), { encoderOut })).toThrow(code('ERR_ARGUMENT'));
    expect(() => crossing.forward(torch.randn([3, 2, 16]), { encoderOut })).toThrow(/one batch size: 2 and 4/);
    using state = new DecoderLayerState();
    expect(() => crossing.step(torch.randn([2, 4, 16]), state, { encoderOut })).toThrow(code('ERR_SHAPE'));
  });
});

describe('embeddings and positions', () => {
  test('the padding id has a row of zeros that does not learn', () => {
    using layer = new DelightEmbedding({ vocabSize: 5, paddingId: 1, mapFeatures: 4 }, double);
    const y = layer.forward(ids([[1, 3]]));
    expect(y.shape).toEqual([1, 2, 4]);
    expect(largest(y.select(1, 0))).toBe(0);
    const [[, table]] = [...layer.namedParameters()] as [[string, Tensor]];
    expect(apart(y.select(1, 1), table.select(0, 3).mul(2))).toBeLessThan(1e-12);
    y.sum().backward();
    expect(largest(table.grad!.select(0, 1))).toBe(0);
  });

  test('adaptive bands begin like the first, or at zero as the original by a switch', () => {
    const options = { vocabSize: 30, paddingId: 1, initialFeatures: 8, outFeatures: 8, cutoffs: [10, 20] };
    const tails = (zeroTails: boolean) => {
      using layer = new AdaptiveInput({ ...options, zeroTails });
      const parameters = named(layer);
      expect(largest(parameters.get('embeddings.0.weight')!)).toBeGreaterThan(0.1);
      return [1, 2].map((band) => largest(parameters.get(`embeddings.${band}.weight`)!));
    };
    expect(tails(true)).toEqual([0, 0]);
    for (const size of tails(false)) expect(size).toBeGreaterThan(0.1);
    using layer = new AdaptiveInput(options);
    expect(layer.forward(ids([[0, 15, 29]])).shape).toEqual([1, 3, 8]);
  });

  test.each([
    ['sinusoidal', SinusoidalPositions],
    ['learned', LearnedPositions],
  ])('%s positions count from after the padding id, whatever is padded on the left', (_name, Positions) => {
    using layer = new Positions({ features: 6, paddingId: 1, maxPositions: 8 });
    const y = layer.forward(ids([[1, 1, 5, 7], [5, 7, 1, 1]])); // prettier-ignore
    expect(apart(y.select(0, 0).narrow(0, 2, 2), y.select(0, 1).narrow(0, 0, 2))).toBe(0);
    expect(apart(y.select(0, 1).narrow(0, 0, 2), layer.table(4).narrow(0, 2, 2))).toBe(0);
    expect(largest(y.select(0, 0).narrow(0, 0, 2))).toBe(0);
  });

  test('ids beyond the vocabulary and sequences beyond the positions are refused', () => {
    using embedding = new DelightEmbedding({ vocabSize: 5, mapFeatures: 4 });
    for (const id of [-1, 5]) expect(() => embedding.forward(ids([[id]]))).toThrow(code('ERR_DATA'));
    using positions = new LearnedPositions({ features: 4, paddingId: 1, maxPositions: 2 });
    expect(() => positions.forward(ids([[3, 3, 3]]))).toThrow(code('ERR_SHAPE'));
    expect(() => new AdaptiveInput({ vocabSize: 30, initialFeatures: 8, outFeatures: 8, cutoffs: [20, 10] })).toThrow(
      code('ERR_CONFIG'),
    );
  });
});

describe('the adaptive softmax', () => {
  const options = { vocabSize: 20, paddingId: 1, inFeatures: 8, cutoffs: [6, 12] };
  const target = () => ids([[0, 5, 6, 7, 11, 12, 13, 19]]);

  test.each([
    ['untied', null],
    ['tied', { initialFeatures: 8 }],
    ['tied, with projections of its own', { initialFeatures: 8, tieProjections: false }],
  ])('%s, its probabilities sum to 1 and give the loss', (_name, tied) => {
    using layer = new AdaptiveSoftmax({ ...options, tied }, double);
    const x = random(1, 8, 8);
    const logs = layer.logProbabilities(x);
    expect(logs.shape).toEqual([1, 8, 20]);
    expect(apart(logs.exp().sum(-1), torch.ones([1, 8], double))).toBeLessThan(1e-9);
    const chosen = logs.gather(-1, target().unsqueeze(-1)).sum();
    expect(layer.loss(x, target()).item()).toBeCloseTo(-chosen.item(), 6);
  });

  test('the original leaves a word of each cluster out of training; here that is a switch', () => {
    using sane = new AdaptiveSoftmax(options, double);
    using original = new AdaptiveSoftmax({ ...options, ignoreTailPad: true }, double);
    original.loadStateDict(sane.stateDict());
    const x = random(1, 8, 8);
    const [a, b] = [sane.loss(x, target()).item(), original.loss(x, target()).item()];
    expect(b).toBeLessThan(a);
    const others = ids([[0, 5, 6, 8, 11, 12, 14, 19]]);
    expect(original.loss(x, others).item()).toBeCloseTo(sane.loss(x, others).item(), 9);
  });

  test('padding has no loss; an untied layer embeds nothing', () => {
    using layer = new AdaptiveSoftmax(options, double);
    expect(layer.loss(random(1, 2, 8), ids([[1, 1]])).item()).toBe(0);
    expect(() => layer.embed(ids([[3]]))).toThrow(code('ERR_ARGUMENT'));
    using tied = new AdaptiveSoftmax({ ...options, tied: { initialFeatures: 8 } }, double);
    expect(tied.embed(ids([[3, 15]])).shape).toEqual([1, 2, 8]);
  });
});

describe('dropout', () => {
  test('recurrent dropout zeroes a feature at all positions, in training only', () => {
    using layer = new RecurrentDropout(0.5);
    const y = layer.forward(torch.ones([2, 6, 64]));
    expect(apart(y, y.narrow(1, 0, 1).expand([2, 6, 64]))).toBe(0);
    const rows = new Set((y.select(1, 0).toArray() as number[][]).flat());
    expect([...rows].sort()).toEqual([0, 2]);
    layer.eval();
    expect(apart(layer.forward(torch.ones([2, 6, 64])), torch.ones([2, 6, 64]))).toBe(0);
    expect(() => new RecurrentDropout(1)).toThrow(code('ERR_CONFIG'));
  });

  test('an activation with parameters learns', () => {
    using layer = new Activation('prelu');
    expect([...layer.parameters()].map((each) => each.toArray())).toEqual([[0.25]]);
    expect(layer.forward(torch.tensor([-4, 4])).toArray()).toEqual([-1, 4]);
  });
});

test('layers nest in modules written in TypeScript', () => {
  class Net extends Module {
    readonly mix = new GroupLinear({ inFeatures: 4, outFeatures: 4, groups: 2 });
    readonly out = new GatedLinear({ inFeatures: 4, outFeatures: 1 });
    override forward(x: Tensor): Tensor {
      return this.out.forward(this.mix.forward(x));
    }
  }
  using net = new Net().to('float64');
  expect([...net.stateDict().keys()]).toEqual(['mix.weights', 'mix.bias', 'out.weights', 'out.bias']);
  net
    .forward(random(2, 3, 4))
    .sum()
    .backward();
  for (const { grad } of net.parameters()) expect(grad).not.toBeNull();
});
