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
  expect(extra).toEqual({ dtype: 'float16', bosTokenId: null, eosTokenId: [2, 3] });
});

test.each([
  [{ type: 'linear', factor: 2 }],
  [{ type: 'dynamic', factor: 1.5 }],
  [{ type: 'llama3', factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositionEmbeddings: 512 }],
])('scaled RoPE goes to both forms and back from each: %j', (ropeScaling) => {
  const original = config({ ropeScaling });
  const { rope_scaling, rope_parameters, rope_theta, ...rest } = toHuggingFace(original, extras);
  expect(read({ ...rest, rope_parameters }).config).toEqual(original);
  expect(read({ ...rest, rope_scaling, rope_theta }).config).toEqual(original);
  expect(read({ ...rest, rope_scaling, rope_theta, rope_parameters }).config).toEqual(original);
});

test('Llama 3 was made for its maximum where the file does not say for which length', () => {
  const rope_scaling = { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 };
  const scalingOf = (change: object) =>
    read({ ...old, max_position_embeddings: 640, rope_scaling, ...change }).config.ropeScaling;
  expect(scalingOf({})).toMatchObject({ originalMaxPositionEmbeddings: 640 });
  expect(scalingOf({ original_max_position_embeddings: 320 })).toMatchObject({ originalMaxPositionEmbeddings: 320 });
});

test('keys that tell nothing of the computation, or that something is not there, are ignored', () => {
  const harmless = { sliding_window: null, use_sliding_window: false, quantization_config: null, pruned_heads: {} };
  const more = {
    _name_or_path: 'x',
    transformers_version: '4.40.0',
    pretraining_tp: 1,
    temperature: 0.6,
    id2label: { 0: 'a' },
  };
  expect(read({ ...old, ...harmless, ...more }).config).toEqual(read(old).config);
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
  ['a RoPE that is not computed', { rope_scaling: { rope_type: 'yarn', factor: 8 } }, /rope type "yarn"/],
  ['another, by its older key', { rope_scaling: { type: 'longrope', factor: 2 } }, /rope type "longrope"/],
  ['a RoPE named like a prototype', { rope_scaling: { type: '__proto__' } }, /rope type "__proto__"/],
  ['a scaled RoPE without its factor', { rope_scaling: { type: 'linear' } }, /ropeScaling.factor missing/],
  [
    'Llama 3 without its waves',
    { rope_scaling: { rope_type: 'llama3', factor: 8 } },
    /ropeScaling.lowFreqFactor missing/,
  ],
  [
    'Llama 3 with waves the wrong way round',
    { rope_scaling: { rope_type: 'llama3', factor: 8, low_freq_factor: 4, high_freq_factor: 4 } },
    /highFreqFactor must be greater/,
  ],
  [
    'a parameter of another RoPE',
    { rope_scaling: { rope_type: 'linear', factor: 8, attention_factor: 1 } },
    /attention_factor: not a parameter of the rope type "linear"/,
  ],
  [
    'two forms that differ',
    {
      rope_scaling: { rope_type: 'linear', factor: 8 },
      rope_parameters: { rope_theta: 20000, rope_type: 'linear', factor: 4 },
    },
    /differ in factor/,
  ],
  ['partial rotary positions', { partial_rotary_factor: 0.5 }, /partial_rotary_factor/],
  ['partial rotary positions, newly', { rope_parameters: { partial_rotary_factor: 0.5 } }, /partial_rotary_factor/],
  ['another split of products', { pretraining_tp: 2 }, /pretraining_tp/],
  ['sliding windows', { sliding_window: 4096 }, /sliding_window: not supported/],
  ['quantised weights', { quantization_config: { quant_method: 'gptq' } }, /quantization_config: not supported/],
  ['several unknown keys', { logit_scale: 2, qk_norm: true }, /logit_scale, qk_norm: not supported/],
  ['a prototype as a key', JSON.parse('{ "__proto__": { "hidden_size": 1 } }') as object, /__proto__: not supported/],
  ['a size beyond all', { hidden_size: 2 ** 40 }, /hidden/i],
  ['too many layers', { num_hidden_layers: 1e9 }, /numHiddenLayers/],
  ['a size that is no number', { vocab_size: '101' }, /vocab_size/],
  ['dropout', { attention_dropout: 0.1 }, /attentionDropout/],
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
