/** What a model can be asked and told as a whole: names, members by name, copies, tables, printing, partial loading. */
import { inspect } from 'node:util';

import * as nn from '../../lib/nn';
import { torch, type Tensor } from '../../lib/tensor';

class Attention extends nn.Module {
  readonly qProj = new nn.Linear(2, 2, { bias: false });
  readonly outNorm = new nn.BatchNorm1d(2);
  readonly A_log = new nn.Parameter(torch.ones([1]));
  override forward(x: Tensor): Tensor {
    return this.outNorm.forward(this.qProj.forward(x));
  }
}

class Net extends nn.Module {
  readonly inputEmbedding = new nn.Embedding(5, 2);
  readonly layers = new nn.ModuleList([new Attention(), new Attention()]);
  readonly head = new nn.Linear(2, 5, { bias: false });

  override forward(ids: Tensor): Tensor {
    let x = this.inputEmbedding.forward(ids);
    for (const layer of this.layers) x = layer.forward(x);
    return this.head.forward(x);
  }
}

const ids = () => torch.tensor([0, 1, 4], { dtype: 'int64' });

function thrown(fn: () => unknown): { code: string; message: string } {
  try {
    fn();
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('nothing was thrown');
}

describe('names', () => {
  test("are those that a model in Python would have, in the module's order", () => {
    expect([...new Net().stateDict().keys()].filter((name) => !name.includes('layers.1'))).toEqual([
      'input_embedding.weight',
      'layers.0.A_log',
      'layers.0.q_proj.weight',
      'layers.0.out_norm.weight',
      'layers.0.out_norm.bias',
      'layers.0.out_norm.running_mean',
      'layers.0.out_norm.running_var',
      'layers.0.out_norm.num_batches_tracked',
      'head.weight',
    ]);
  });

  test('take a prefix, stop at the module itself, and can repeat what is shared', () => {
    const net = new Net();
    (net.head as { weight: nn.Parameter }).weight = net.inputEmbedding.weight;
    const names = (options: nn.TensorListOptions) => Array.from(net.namedParameters(options), ([name]) => name);
    expect(names({ prefix: 'model' })[0]).toBe('model.input_embedding.weight');
    expect(names({ recurse: false })).toEqual([]);
    expect(names({})).not.toContain('head.weight');
    expect(names({ removeDuplicate: false })).toContain('head.weight');
    expect(Array.from(net.layers.at(0).namedParameters({ recurse: false }), ([name]) => name)).toEqual(['A_log']);
    expect(Array.from(net.namedModules({ prefix: 'm' }), ([name]) => name).slice(0, 3)).toEqual([
      'm',
      'm.input_embedding',
      'm.layers',
    ]);
    expect([...net.stateDict({ prefix: 'net.' }).keys()]).toContain('net.head.weight');
  });

  test('two members of one name are refused, not lost', () => {
    class Clash extends nn.Module {
      readonly fooBar = new nn.Parameter(torch.ones([1]));
      readonly foo_bar = new nn.Parameter(torch.ones([1]));
      override forward() {}
    }
    expect(thrown(() => new Clash().stateDict())).toMatchObject({ code: 'ERR_ARGUMENT', message: /foo_bar/ });
  });

  test('lead back to members', () => {
    const net = new Net();
    expect(net.getSubmodule('')).toBe(net);
    expect(net.getSubmodule('layers.1.q_proj')).toBe(net.layers.at(1).qProj);
    expect(net.getParameter('layers.1.A_log')).toBe(net.layers.at(1).A_log);
    expect(net.getBuffer('layers.0.out_norm.running_var').shape).toEqual([2]);
    expect(thrown(() => net.getSubmodule('layers.1.qProj'))).toMatchObject({
      code: 'ERR_ARGUMENT',
      message: /did you mean "layers\.1\.q_proj"/,
    });
    expect(thrown(() => net.getParameter(3 as never)).code).toBe('ERR_ARGUMENT');
  });
});

test('apply visits children first and gives back the module', () => {
  const seen: string[] = [];
  const net = new nn.Sequential(new nn.Linear(1, 1), new nn.Sequential(new nn.ReLU()));
  expect(net.apply((module) => void seen.push(module.constructor.name))).toBe(net);
  expect(seen).toEqual(['Linear', 'ReLU', 'Sequential', 'Sequential']);
});

test('dtypes by name, and of a tensor', () => {
  const layer = new nn.BatchNorm1d(2);
  expect([layer.double().weight!.dtype, layer.numBatchesTracked!.dtype]).toEqual(['float64', 'int64']);
  expect(layer.half().runningMean!.dtype).toBe('float16');
  expect(layer.bfloat16().weight!.dtype).toBe('bfloat16');
  expect(layer.float().cpu().weight!.dtype).toBe('float32');
  expect(layer.to(torch.ones([1], { dtype: 'float64' })).weight!.dtype).toBe('float64');
});

test('parameters are counted once, and those that are trained apart', () => {
  const net = new Net();
  expect(net.numParameters()).toBe(10 + 2 * (1 + 4 + 4) + 10);
  net.inputEmbedding.requiresGrad_(false);
  expect(net.numParameters({ trainable: true })).toBe(28);
});

describe('clone', () => {
  test('copies values, keeps what is shared shared, and leaves the first alone', () => {
    const net = new Net();
    (net.head as { weight: nn.Parameter }).weight = net.inputEmbedding.weight;
    net.layers.at(0).A_log.requiresGrad = false;
    const copy = net.eval().clone();
    expect(copy).toBeInstanceOf(Net);
    expect(copy.training).toBe(false);
    expect(copy.forward(ids()).toArray()).toEqual(net.forward(ids()).toArray());
    expect(copy.head.weight).toBe(copy.inputEmbedding.weight);
    expect(copy.layers.at(0).A_log.requiresGrad).toBe(false);
    torch.noGrad(() => copy.head.weight.fill_(3));
    expect(net.head.weight.toArray()).not.toEqual(copy.head.weight.toArray());
    net.dispose();
    expect(copy.forward(ids()).shape).toEqual([3, 5]);
  });

  test('made in a scope outlives it', () => {
    const layer = new nn.Linear(2, 2);
    const before = torch.memory().tensors;
    const copy = torch.scope(() => layer.clone());
    expect(torch.memory().tensors).toBe(before + 2);
    expect(copy.weight.toArray()).toEqual(layer.weight.toArray());
  });

  test('leaves hooks behind, and copies a forward of its own', () => {
    const relu = new nn.ReLU();
    let count = 0;
    relu.registerForwardHook(() => void count++);
    relu.clone().forward(torch.ones([1]));
    expect(count).toBe(0);
    relu.forward = (x: Tensor) => x.add(1);
    expect(
      relu
        .clone()
        .forward(torch.ones([1]))
        .toArray(),
    ).toEqual([2]);
  });

  test('refuses what it cannot copy', () => {
    class Hidden extends nn.Module {
      #scale = 2;
      override forward(x: Tensor): Tensor {
        return x.mul(this.#scale);
      }
    }
    expect(thrown(() => new nn.Sequential(new Hidden()).clone())).toMatchObject({
      code: 'ERR_ARGUMENT',
      message: /Hidden/,
    });
  });
});

describe('printing', () => {
  test('shows the tree, with equal neighbours counted', () => {
    expect(inspect(new nn.Linear(4, 2))).toBe('Linear(inFeatures=4, outFeatures=2, bias=true)');
    expect(String(new Net())).toBe(
      [
        'Net(',
        '  (input_embedding): Embedding(numEmbeddings=5, embeddingDim=2)',
        '  (layers): ModuleList(',
        '    (0-1): 2 x Attention(',
        '      (q_proj): Linear(inFeatures=2, outFeatures=2, bias=false)',
        '      (out_norm): BatchNorm1d(numFeatures=2, eps=0.00001, momentum=0.1, affine=true, trackRunningStats=true)',
        '    )',
        '  )',
        '  (head): Linear(inFeatures=2, outFeatures=5, bias=false)',
        ')',
      ].join('\n'),
    );
  });

  test('summary tells outputs, parameters and what is trained, and changes nothing', () => {
    const net = new Net();
    net.inputEmbedding.requiresGrad_(false);
    const before = torch.memory().tensors;
    const mean = net.layers.at(0).outNorm.runningMean!.toArray();
    const table = net.summary(torch.scope(() => ids().keep()));
    expect(table.split('\n').map((line) => line.trimEnd())).toEqual([
      'Layer              Type         Output  Parameters  Trainable',
      '-------------------------------------------------------------',
      '(model)            Net          [3, 5]           -  -',
      '  input_embedding  Embedding    [3, 2]          10  no',
      '  layers           ModuleList   -                -  -',
      '    0              Attention    [3, 2]           1  yes',
      '      q_proj       Linear       [3, 2]           4  yes',
      '      out_norm     BatchNorm1d  [3, 2]           4  yes',
      '    1              Attention    [3, 2]           1  yes',
      '      q_proj       Linear       [3, 2]           4  yes',
      '      out_norm     BatchNorm1d  [3, 2]           4  yes',
      '  head             Linear       [3, 5]          10  yes',
      '',
      'Parameters: 38, of which 28 are trained',
      'Memory of parameters and buffers: 0.2 KiB',
    ]);
    expect(net.training && [...net.modules()].every((module) => module.training)).toBe(true);
    expect(net.layers.at(0).outNorm.runningMean!.toArray()).toEqual(mean);
    expect(Object.hasOwn(net, 'forward')).toBe(false);
    expect(torch.memory().tensors).toBeLessThanOrEqual(before + 1);
    expect(net.summary().split('\n')[0]).toBe('Layer              Type         Parameters  Trainable');
    expect(thrown(() => net.summary(torch.ones([3]))).code).toMatch(/^ERR_/);
    expect(Object.hasOwn(net.head, 'forward')).toBe(false);
  });
});

describe('loading in part', () => {
  test('a prefix picks a part of a larger state', () => {
    const [net, other] = [new Net(), new Attention()];
    expect(other.loadStateDict(net.stateDict(), { prefix: 'layers.1.' })).toEqual({
      missing: [],
      unexpected: [],
      mismatched: [],
    });
    expect(other.qProj.weight.toArray()).toEqual(net.layers.at(1).qProj.weight.toArray());
    expect(thrown(() => other.loadStateDict(net.stateDict(), { prefix: 'nothing.' }))).toMatchObject({
      code: 'ERR_CHECKPOINT',
      message: /under "nothing\."/,
    });
  });

  test('shapes that differ can be left out', () => {
    const [small, large] = [new nn.Linear(2, 2), new nn.Linear(2, 3)];
    const state = new Map([...large.stateDict(), ['bias', torch.ones([2])]]);
    expect(thrown(() => small.loadStateDict(state)).code).toBe('ERR_CHECKPOINT');
    expect(small.loadStateDict(state, { ignoreMismatched: true }).mismatched).toEqual(['weight']);
    expect(small.bias!.toArray()).toEqual([1, 1]);
  });

  test('assign takes over dtype and memory', () => {
    const layer = new nn.Linear(2, 1);
    const { weight } = layer;
    const values = torch.tensor([[1, 2]], { dtype: 'float64' });
    layer.loadStateDict(
      [
        ['weight', values],
        ['bias', torch.zeros([1], { dtype: 'float64' })],
      ],
      { assign: true },
    );
    expect([layer.weight === weight, weight.dtype, weight.isLeaf, weight.requiresGrad]).toEqual([
      true,
      'float64',
      true,
      true,
    ]);
    values.fill_(7);
    expect(weight.toArray()).toEqual([[7, 7]]);
  });

  test('a shared tensor is there if it is under one of its names', () => {
    const net = new Net();
    (net.head as { weight: nn.Parameter }).weight = net.inputEmbedding.weight;
    const state = net.stateDict();
    expect(state.has('head.weight') && state.has('input_embedding.weight')).toBe(true);
    expect(net.loadStateDict(state).missing).toEqual([]);
    state.delete('head.weight');
    expect(net.loadStateDict(state).missing).toEqual([]);
    state.delete('input_embedding.weight');
    expect(thrown(() => net.loadStateDict(state)).message).toMatch(/missing: input_embedding\.weight/);
  });

  test('what is no state is refused', () => {
    const layer = new nn.Linear(2, 1);
    expect(thrown(() => layer.loadStateDict({} as never)).code).toBe('ERR_ARGUMENT');
    expect(thrown(() => layer.loadStateDict(layer.stateDict(), null as never)).code).toBe('ERR_ARGUMENT');
    expect(thrown(() => layer.train(1 as never)).code).toBe('ERR_ARGUMENT');
  });
});

test('embeddings take tables that were trained before', () => {
  const table = torch.tensor(
    [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
    { dtype: 'float64' },
  );
  torch.manualSeed(3);
  const drawn = torch.rand([1]).item();
  torch.manualSeed(3);
  const embedding = nn.Embedding.fromPretrained(table, { paddingIdx: 0 });
  const bag = nn.EmbeddingBag.fromPretrained(table, { mode: 'sum', freeze: false });
  expect(torch.rand([1]).item()).toBe(drawn);
  expect([embedding.weight.requiresGrad, bag.weight.requiresGrad, embedding.paddingIdx]).toEqual([false, true, 0]);
  const ids = torch.tensor([[0, 2]], { dtype: 'int64' });
  expect([embedding.forward(ids).toArray(), bag.forward(ids).toArray()]).toEqual([
    [
      [
        [1, 2],
        [5, 6],
      ],
    ],
    [[6, 8]],
  ]);
  expect(thrown(() => nn.Embedding.fromPretrained(torch.ones([3]))).code).toBe('ERR_SHAPE');
  expect(thrown(() => nn.Embedding.fromPretrained([[1]] as never)).code).toBe('ERR_ARGUMENT');
});
