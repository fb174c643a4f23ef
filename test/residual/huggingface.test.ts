import { parseConfig } from '../../lib/config';
import { modelSchema, residualSchema } from '../../lib/residual/config';
import { fromHuggingFace, toHuggingFace } from '../../lib/residual/huggingface';

const extras = { dtype: 'float32', bosTokenId: 1, eosTokenId: 2 };
const config = (options: object = {}) =>
  parseConfig(
    {
      vocabSize: 101,
      hiddenSize: 32,
      numHiddenLayers: 3,
      numAttentionHeads: 4,
      numKeyValueHeads: 2,
      ropeTheta: 5e5,
      ...options,
    },
    modelSchema,
    'model',
  );
const read = (content: object) => fromHuggingFace(content, 'config.json');
/** The older form, as transformers 4 wrote it. */
const old = {
  model_type: 'llama',
  vocab_size: 101,
  hidden_size: 32,
  intermediate_size: 88,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  rms_norm_eps: 1e-5,
  rope_theta: 20000,
  rope_scaling: null,
  torch_dtype: 'bfloat16',
  use_cache: true,
};

test.each([
  ['baseline', {}],
  [
    'another head size, tied, with biases',
    { headDim: 16, tieWordEmbeddings: true, attentionBias: true, mlpBias: true },
  ],
  ['Method 1', { residual: '1' }],
  ['stored outputs', { residual: { site: 'attention', weights: 'mean', source: 'stored', window: 1 } }],
  [
    'every switch',
    {
      residual: {
        site: 'mlp',
        weights: 'learned',
        mode: 'replace',
        firstLayer: 'none',
        input: 'mid',
        window: 2,
        normSet: 'earlier',
        weightParam: 'free',
        detachProbs: true,
      },
    },
  ],
])('%s goes to config.json and back', (_name, options) => {
  const original = config(options);
  expect(read(JSON.parse(JSON.stringify(toHuggingFace(original, extras))) as object)).toEqual({
    config: original,
    extras,
  });
});

test('a model without recomputation is plain Llama to other programs', () => {
  const content = toHuggingFace(config(), extras);
  expect(content).toMatchObject({ model_type: 'llama', architectures: ['LlamaForCausalLM'] });
  expect(Object.keys(content).filter((key) => key.startsWith('residual'))).toEqual([]);
});

test('the older form is read: rope_theta, torch_dtype, no key/value heads, no head size', () => {
  const { config: read_, extras: extra } = read(old);
  expect(read_).toMatchObject({ ropeTheta: 20000, numKeyValueHeads: 4, headDim: 8, residual: { site: 'none' } });
  expect(extra.dtype).toBe('bfloat16');
});

test('the form of transformers 5 is read: rope_parameters, dtype', () => {
  const { rope_theta: _theta, torch_dtype: _dtype, ...rest } = old;
  const content = {
    ...rest,
    rope_parameters: { rope_theta: 7000, rope_type: 'default' },
    dtype: 'float16',
    eos_token_id: [2, 3],
  };
  const { config: read_, extras: extra } = read(content);
  expect(read_.ropeTheta).toBe(7000);
  expect(extra).toEqual({ dtype: 'float16', bosTokenId: null, eosTokenId: 2 });
});

test.each([
  ['method1-v3', '1'],
  ['method3-1-v3', '3.1'],
  ['method4-2-v3', '4.2'],
])('model_type %s is Method %s', (type, name) => {
  expect(read({ ...old, model_type: type }).config.residual).toEqual(residualSchema.parse(name));
});

test.each([
  ['a foreign model', { model_type: 'mistral' }, /model_type "mistral"/],
  ['scaled RoPE', { rope_scaling: { rope_type: 'llama3', factor: 8 } }, /rope type "llama3"/],
  ['scaled RoPE, by its older key', { rope_scaling: { type: 'linear', factor: 2 } }, /rope type "linear"/],
  ['another activation', { hidden_act: 'gelu' }, /hidden_act "gelu"/],
  ['a misspelt switch', { residual_varient: 'm1' }, /unknown residual_varient/],
  ['a switch of no known value', { residual_variant: 'm1', residual_mode: 'multiply' }, /residual.mode/],
  ['two different variants', { model_type: 'method1-v3', residual_variant: 'm2' }, /different variants/],
  ['our own type without a variant', { model_type: 'residual_llama' }, /residual_variant is missing/],
  ['a missing size', { hidden_size: undefined }, /hidden_size/],
  ['heads that do not divide', { num_attention_heads: 5 }, /5 heads do not divide/],
])('%s is refused, naming the file', (_name, change, message) => {
  const refused = expect.objectContaining({ code: 'ERR_CONFIG', message: expect.stringMatching(message) });
  expect(() => read({ ...old, ...change })).toThrow(refused);
  expect(() => read({ ...old, ...change })).toThrow(/^config\.json/);
});
