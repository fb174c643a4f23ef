/**
 * Hugging Face's `config.json` in both directions: the older form (`rope_theta`, `torch_dtype`) and that of transformers 5
 * (`rope_parameters`, `dtype`), with this family's own `residual_*` keys beside them.
 */
import { isDeepStrictEqual } from 'node:util';

import { z } from 'zod';

import { parseConfig } from '../config';
import { ConfigError } from '../errors';
import { modelSchema, type ModelConfig, type ResidualConfig } from './config';
import { readRope, ropeKeys, writeRope } from './rope';
import { parseVariant, variantName } from './variant';

/** Token ids that begin and end a text, kept with a model's files. Some models have several that end one. */
export interface SpecialTokens {
  bosTokenId: number | null;
  eosTokenId: number | readonly number[] | null;
}

/** What `config.json` tells besides the model's own configuration. */
export interface HuggingFaceExtras extends SpecialTokens {
  dtype: string;
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
    ...writeRope(config.ropeTheta, config.ropeScaling),
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

const tokenId = z.int().nonnegative();
/** The keys of special tokens, in `config.json` and in `generation_config.json`. */
export const specialTokensSchema = z.looseObject({
  bos_token_id: tokenId.nullish(),
  eos_token_id: z.union([tokenId, z.array(tokenId).nonempty()]).nullish(),
});

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
  ...ropeKeys,
  tie_word_embeddings: z.boolean().default(false),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  initializer_range: z.number().default(0.02),
  attention_dropout: z.number().default(0),
  ...specialTokensSchema.shape,
  pretraining_tp: z.literal(1).nullish(),
  dtype: z.string().nullish(),
  torch_dtype: z.string().nullish(),
  residual_variant: z.union([z.string(), z.number()]).optional(),
});
type File = z.output<typeof fileSchema>;

/** Keys that every Hugging Face configuration may have and that do not touch what is computed, also those that begin with an underscore. */
const harmless = new Set(
  [
    'architectures auto_map transformers_version tokenizer_class model_max_length pad_token_id sep_token_id',
    'use_cache output_attentions output_hidden_states output_scores return_dict return_dict_in_generate torchscript',
    'use_bfloat16 chunk_size_feed_forward problem_type finetuning_task task_specific_params id2label label2id num_labels',
    'prefix max_length min_length do_sample early_stopping num_beams num_beam_groups diversity_penalty temperature',
    'top_k top_p typical_p repetition_penalty length_penalty no_repeat_ngram_size encoder_no_repeat_ngram_size',
    'bad_words_ids num_return_sequences decoder_start_token_id forced_bos_token_id forced_eos_token_id',
    'remove_invalid_values exponential_decay_length_penalty suppress_tokens begin_suppress_tokens tf_legacy_loss',
    'is_decoder',
  ].flatMap((line) => line.split(' ')),
);

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

function refuseWhatWeDoNotCompute(file: File, content: object, where: string): void {
  if (file.hidden_act !== 'silu' && file.hidden_act !== 'swish') {
    throw new ConfigError(`${where} hidden_act "${file.hidden_act}" is not supported; Llama decoders use "silu".`);
  }
  const misspelt = Object.keys(file).filter((key) => key.startsWith('residual_') && !knownResidualKeys.has(key));
  if (misspelt.length > 0) {
    throw new ConfigError(`${where} unknown ${misspelt.join(', ')}; known are ${[...knownResidualKeys].join(', ')}.`);
  }
  // A key that is not known may change what the model computes, unless it says that something is not there.
  const isNothing = (value: unknown) => value === null || value === false || isDeepStrictEqual(value, {});
  const unknown = Object.entries(content).filter(
    ([key, value]) =>
      !Object.hasOwn(fileSchema.shape, key) &&
      !knownResidualKeys.has(key) &&
      !harmless.has(key) &&
      !/^_(?!_)/.test(key) &&
      !isNothing(value),
  );
  if (unknown.length > 0) {
    throw new ConfigError(
      `${where} ${unknown.map(([key]) => key).join(', ')}: not supported, as it may change what the model computes; if it does not, take it out.`,
    );
  }
}

/**
 * Reads the content of a `config.json`, of either form. Keys known not to concern the computation are ignored.
 *
 * @param where - names the file in errors
 * @throws ConfigError for a foreign model, for what this family does not compute (other activations, sliding windows, quantised weights) or
 *   does not know, for impossible sizes.
 */
export function fromHuggingFace(content: unknown, where: string): { config: ModelConfig; extras: HuggingFaceExtras } {
  const file = parseConfig(content, fileSchema, where);
  refuseWhatWeDoNotCompute(file, content as object, where);
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
      ...readRope(file, file.max_position_embeddings, where),
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
    bosTokenId: file.bos_token_id ?? null,
    eosTokenId: file.eos_token_id ?? null,
  };
  return { config, extras };
}
