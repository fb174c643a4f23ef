/**
 * Hugging Face's `config.json` in both directions: the older form (`rope_theta`, `torch_dtype`) and that of transformers 5
 * (`rope_parameters`, `dtype`), with this family's own `residual_*` keys beside them.
 */
import { z } from 'zod';

import { parseConfig } from '../config';
import { ConfigError } from '../errors';
import { modelSchema, type ModelConfig, type ResidualConfig } from './config';
import { parseVariant, variantName } from './variant';

/** What `config.json` tells besides the model's own configuration. */
export interface HuggingFaceExtras {
  dtype: string;
  bosTokenId: number | null;
  eosTokenId: number | null;
}

/** Our switches and their keys in `config.json`. */
const switchKeys = {
  source: 'residual_source',
  mode: 'residual_mode',
  firstLayer: 'residual_first_layer',
  input: 'residual_input',
  window: 'residual_window',
  normSet: 'residual_norm_set',
  weightParam: 'residual_weight_param',
  detachProbs: 'residual_detach_probs',
} as const;
const switches = Object.entries(switchKeys) as [keyof typeof switchKeys, string][];
const knownResidualKeys = new Set<string>(['residual_variant', ...Object.values(switchKeys)]);

/** `model_type` of a configuration that plain Llama code could not run. */
const residualModelType = 'residual_llama';

/** The content of `config.json` for a model. Plain Llama where nothing is recomputed, so that other programs can read it. */
export function toHuggingFace(config: ModelConfig, extras: HuggingFaceExtras): Record<string, unknown> {
  const { residual } = config;
  const plain = residual.site === 'none';
  return {
    architectures: [plain ? 'LlamaForCausalLM' : 'ResidualLlamaForCausalLM'],
    model_type: plain ? 'llama' : residualModelType,
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.numHiddenLayers,
    num_attention_heads: config.numAttentionHeads,
    num_key_value_heads: config.numKeyValueHeads,
    head_dim: config.headDim,
    hidden_act: 'silu',
    max_position_embeddings: config.maxPositionEmbeddings,
    rms_norm_eps: config.rmsNormEps,
    // Both forms: programs of either age find theirs.
    rope_theta: config.ropeTheta,
    rope_parameters: { rope_theta: config.ropeTheta, rope_type: 'default' },
    tie_word_embeddings: config.tieWordEmbeddings,
    attention_bias: config.attentionBias,
    mlp_bias: config.mlpBias,
    initializer_range: config.initializerRange,
    attention_dropout: config.attentionDropout,
    bos_token_id: extras.bosTokenId,
    eos_token_id: extras.eosTokenId,
    dtype: extras.dtype,
    torch_dtype: extras.dtype,
    ...(plain ? {} : residualKeys(residual)),
  };
}

function residualKeys(residual: ResidualConfig): Record<string, unknown> {
  const content: Record<string, unknown> = { residual_variant: variantName(residual) };
  for (const [key, name] of switches) content[name] = residual[key];
  return content;
}

const ropeSchema = z.looseObject({
  rope_theta: z.number().optional(),
  rope_type: z.string().optional(),
  /** The key's name before `rope_type`. */
  type: z.string().optional(),
  partial_rotary_factor: z.number().optional(),
});

const tokenId = z.union([z.int().nonnegative(), z.array(z.int().nonnegative()).nonempty()]).nullish();

/** Only what matters here; the sizes themselves are checked by `modelSchema`. Defaults are those of Hugging Face's LlamaConfig. */
const fileSchema = z.looseObject({
  model_type: z.string().optional(),
  vocab_size: z.number(),
  hidden_size: z.number(),
  intermediate_size: z.number(),
  num_hidden_layers: z.number(),
  num_attention_heads: z.number(),
  num_key_value_heads: z.number().nullish(),
  head_dim: z.number().nullish(),
  hidden_act: z.string().default('silu'),
  max_position_embeddings: z.number().default(2048),
  rms_norm_eps: z.number().default(1e-6),
  rope_theta: z.number().nullish(),
  rope_parameters: ropeSchema.nullish(),
  rope_scaling: ropeSchema.nullish(),
  tie_word_embeddings: z.boolean().default(false),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  initializer_range: z.number().default(0.02),
  attention_dropout: z.number().default(0),
  bos_token_id: tokenId,
  eos_token_id: tokenId,
  dtype: z.string().nullish(),
  torch_dtype: z.string().nullish(),
  residual_variant: z.union([z.string(), z.number()]).optional(),
});
type File = z.output<typeof fileSchema>;

/** The variant that `model_type` and `residual_variant` name together. */
function variantOf(file: File, where: string) {
  const type = file.model_type;
  // Our own type says nothing about the variant; every other one is a name that parseVariant knows, or a foreign model.
  const typed = type === undefined || type === residualModelType ? undefined : parseType(type, where);
  const named = file.residual_variant === undefined ? undefined : parseVariant(file.residual_variant);
  if (typed && named && typed.site !== 'none' && variantName(typed) !== variantName(named)) {
    throw new ConfigError(
      `${where} model_type "${type}" and residual_variant "${file.residual_variant}" name different variants.`,
    );
  }
  if (type === residualModelType && named === undefined) {
    throw new ConfigError(
      `${where} residual_variant is missing, and model_type "${type}" alone does not say which variant it is.`,
    );
  }
  return named ?? typed ?? { site: 'none' };
}

function parseType(type: string, where: string) {
  try {
    return parseVariant(type);
  } catch (error) {
    throw new ConfigError(
      `${where} model_type "${type}" is not a model of this family; known are llama, ${residualModelType} and method1-v3 ... method4-2-v3.`,
      { cause: error },
    );
  }
}

function refuseWhatWeDoNotCompute(file: File, where: string): void {
  const ropes = [file.rope_parameters, file.rope_scaling].filter((rope) => rope !== null && rope !== undefined);
  for (const rope of ropes) {
    const type = rope.rope_type ?? rope.type ?? 'default';
    if (type !== 'default') throw new ConfigError(`${where} rope type "${type}" is not supported; only "default" is.`);
    if ((rope.partial_rotary_factor ?? 1) !== 1)
      throw new ConfigError(`${where} partial_rotary_factor is not supported; only 1 is.`);
  }
  if (file.hidden_act !== 'silu' && file.hidden_act !== 'swish') {
    throw new ConfigError(`${where} hidden_act "${file.hidden_act}" is not supported; Llama decoders use "silu".`);
  }
  const misspelt = Object.keys(file).filter((key) => key.startsWith('residual_') && !knownResidualKeys.has(key));
  if (misspelt.length > 0) {
    throw new ConfigError(`${where} unknown ${misspelt.join(', ')}; known are ${[...knownResidualKeys].join(', ')}.`);
  }
}

const firstId = (id: number | number[] | null | undefined): number | null =>
  Array.isArray(id) ? (id[0] ?? null) : (id ?? null);

/**
 * Reads the content of a `config.json`, of either form. Keys that do not concern the computation are ignored.
 *
 * @param where - names the file in errors
 * @throws ConfigError for a foreign model, for what this family does not compute (scaled RoPE, other activations), for impossible sizes.
 */
export function fromHuggingFace(content: unknown, where: string): { config: ModelConfig; extras: HuggingFaceExtras } {
  const file = parseConfig(content, fileSchema, where);
  refuseWhatWeDoNotCompute(file, where);
  const residual: Record<string, unknown> = { ...variantOf(file, where) };
  for (const [key, name] of switches) if (file[name] !== undefined) residual[key] = file[name];
  const config = parseConfig(
    {
      vocabSize: file.vocab_size,
      hiddenSize: file.hidden_size,
      intermediateSize: file.intermediate_size,
      numHiddenLayers: file.num_hidden_layers,
      numAttentionHeads: file.num_attention_heads,
      numKeyValueHeads: file.num_key_value_heads ?? undefined,
      headDim: file.head_dim ?? undefined,
      maxPositionEmbeddings: file.max_position_embeddings,
      rmsNormEps: file.rms_norm_eps,
      ropeTheta: file.rope_parameters?.rope_theta ?? file.rope_theta ?? 10000,
      tieWordEmbeddings: file.tie_word_embeddings,
      attentionBias: file.attention_bias,
      mlpBias: file.mlp_bias,
      initializerRange: file.initializer_range,
      attentionDropout: file.attention_dropout,
      residual,
    },
    modelSchema,
    where,
  );
  const extras = {
    dtype: (file.dtype ?? file.torch_dtype ?? 'float32').replace(/^torch\./, ''),
    bosTokenId: firstId(file.bos_token_id),
    eosTokenId: firstId(file.eos_token_id),
  };
  return { config, extras };
}
