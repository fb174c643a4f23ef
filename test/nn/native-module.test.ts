/** The wrapper of native modules, shown on the residual decoder's kind. */
import * as nn from '../../lib/nn';
import { AdamW } from '../../lib/optim';
import { gradcheck, torch, type Dtype, type Tensor } from '../../lib/tensor';

const plan = {
  vocabSize: 11,
  hiddenSize: 8,
  intermediateSize: 12,
  numHiddenLayers: 2,
  numAttentionHeads: 2,
  numKeyValueHeads: 1,
  headDim: 4,
  rmsNormEps: 1e-6,
  ropeTheta: 10000,
  tieWordEmbeddings: false,
  attentionBias: false,
  mlpBias: false,
  initializerRange: 0.5,
  attentionDropout: 0,
  activationCheckpointing: false,
  probabilityBudget: 4,
  residual: {
    site: 'mlp',
    weights: 'learned',
    source: 'recomputed',
    mode: 'add',
    firstLayer: 'standard',
    input: 'layer',
    window: 0,
    normSet: 'with_current',
    weightParam: 'softmax',
    detachProbs: false,
  },
};

class Decoder extends nn.NativeModule {
  constructor(dtype: Dtype = 'float64', kind = 'residual-llama') {
    super(kind, plan, { dtype });
  }
  override forward(ids: Tensor): Tensor {
    return this.call('forward', [ids])[0]!;
  }
  loss(ids: Tensor): Tensor {
    return this.call('loss', [ids, null])[0]!;
  }
}

/** A module of TypeScript around a native one. */
class Classifier extends nn.Module {
  readonly decoder = new Decoder();
  readonly head = new nn.Linear(plan.vocabSize, 2, { dtype: 'float64' });
  override forward(ids: Tensor): Tensor {
    return this.head.forward(this.decoder.forward(ids).mean(1));
  }
}

const ids = () => torch.tensor([[1, 5, 3, 10]], { dtype: 'int64' });
function codeOf(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'none';
}

test('parameters have their native names and live as long as the module, whatever the scope', () => {
  const before = torch.memory().tensors;
  const decoder = torch.scope(() => new Decoder());
  const names = Array.from(decoder.namedParameters(), ([name]) => name);
  expect(names).toContain('model.layers.1.self_attn.q_proj.weight');
  expect(names).toContain('lm_head.weight');
  expect(torch.memory().tensors).toBe(before + names.length + [...decoder.buffers()].length);
  decoder.dispose();
  expect(torch.memory().tensors).toBe(before);
  expect(codeOf(() => decoder.forward(ids()))).toBe('ERR_DISPOSED');
});

test('gradients pass the native forward: against finite differences', () => {
  const decoder = new Decoder();
  const parameters = new Map<string, Tensor>(decoder.namedParameters());
  const few = ['model.norm.weight', 'model.layers.1.input_layernorm.weight', 'model.layers.0.self_attn.k_proj.weight'];
  gradcheck(
    (..._: Tensor[]) => decoder.loss(ids()),
    few.map((name) => parameters.get(name)!),
  );
});

test('nests in a module of TypeScript: names, state, modes, dtypes', () => {
  const model = new Classifier();
  const names = Array.from(model.namedParameters(), ([name]) => name);
  expect(names).toContain('decoder.model.embed_tokens.weight');
  expect(names.slice(-2)).toEqual(['head.weight', 'head.bias']);
  const copy = new Classifier();
  copy.loadStateDict(model.stateDict());
  expect(copy.forward(ids()).toArray()).toEqual(model.forward(ids()).toArray());
  expect(model.eval().decoder.training).toBe(false);
  const weight = [...model.decoder.parameters()][0]!;
  model.to('float32');
  expect([weight.dtype, model.forward(ids()).dtype]).toEqual(['float32', 'float32']);
});

test('is trained like any other', () => {
  const model = new Classifier();
  const adam = new AdamW(model.parameters(), { lr: 0.05 });
  const target = torch.tensor([1], { dtype: 'int64' });
  const losses = Array.from({ length: 20 }, () =>
    torch.scope(() => {
      const loss = nn.functional.crossEntropy(model.forward(ids()), target);
      adam.zeroGrad();
      loss.backward();
      adam.step();
      return loss.item();
    }),
  );
  expect(losses.at(-1)!).toBeLessThan(losses[0]! / 5);
});

test('grad mode holds on this thread and on the compute thread', async () => {
  const decoder = new Decoder();
  expect(decoder.forward(ids()).requiresGrad).toBe(true);
  expect(torch.noGrad(() => decoder.forward(ids())).requiresGrad).toBe(false);
  const [recorded] = await decoder.run('loss', [ids(), null]);
  recorded!.backward();
  expect([...decoder.parameters()].every((parameter) => parameter.grad !== null)).toBe(true);
  const [unrecorded] = await torch.noGrad(() => decoder.run('forward', [ids()]));
  expect(unrecorded!.requiresGrad).toBe(false);
  expect(unrecorded!.toArray()).toEqual(decoder.forward(ids()).toArray());
});

test('autocast lowers the precision of a job', async () => {
  const decoder = new Decoder('float32');
  const [full] = await decoder.run('forward', [ids()]);
  const [lower] = await decoder.run('forward', [ids()], { autocast: 'bfloat16' });
  const gap = full!.sub(lower!).abs().max().item();
  expect(gap).toBeGreaterThan(0);
  expect(gap).toBeLessThan(0.5);
});

test('misuse', async () => {
  const decoder = new Decoder();
  expect(codeOf(() => new Decoder('float64', 'no-such-kind'))).toMatch(/^ERR_/);
  expect(codeOf(() => decoder.call('dance', []))).toMatch(/^ERR_/);
  expect(codeOf(() => decoder.forward(torch.ones([1, 2])))).toBe('ERR_DTYPE');
  const gone = ids();
  gone.dispose();
  expect(codeOf(() => decoder.forward(gone))).toBe('ERR_DISPOSED');
  await expect(decoder.run('forward', [ids()], { signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'ERR_ABORTED',
  });
});
