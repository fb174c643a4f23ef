import { z } from 'zod';

import { parseConfig } from '../../lib/config';
import {
  architecture,
  architectureNames,
  isTranslation,
  languageModelConfig,
  languageModelSchema,
  translationModelConfig,
  translationModelSchema,
  type LanguageModelOptions,
  type ModelConfig,
  type TranslationModelOptions,
} from '../../lib/delight/config';
import { roundHalfEven } from '../../lib/metrics';
import { goldenArchitectures } from './golden-sizes';

/** Our configuration in the reference's words, as far as it has words for both. */
function referenceArgs(config: ModelConfig): Record<string, unknown> {
  const common = {
    dropout: config.dropout,
    attention_dropout: config.attentionDropout,
    activation_dropout: config.activationDropout,
    decoder_normalize_before: config.normalizeBefore,
    share_decoder_input_output_embed: config.tieWordEmbeddings,
    no_token_positional_embeddings: config.positions === 'none',
    decoder_learned_pos: config.positions === 'learned',
    no_scale_embedding: !config.scaleEmbedding,
  };
  return {
    ...common,
    ...taskArgs(config),
    ...(config.type === 'delight' ? delightArgs(config) : transformerArgs(config)),
  };
}

function taskArgs(config: ModelConfig): Record<string, unknown> {
  if (isTranslation(config)) {
    return {
      share_all_embeddings: config.shareEmbeddings,
      encoder_normalize_before: config.normalizeBefore,
      encoder_learned_pos: config.positions === 'learned',
      max_source_positions: config.maxSourcePositions,
      max_target_positions: config.maxTargetPositions,
      adaptive_input: false,
      adaptive_softmax_cutoff: null,
      adaptive_softmax_dropout: 0,
    };
  }
  const { adaptiveInput: input, adaptiveSoftmax: softmax } = config;
  return {
    max_target_positions: config.maxPositionEmbeddings,
    tokens_per_sample: config.maxPositionEmbeddings,
    no_decoder_final_norm: !config.finalNorm,
    adaptive_input: input !== null,
    adaptive_input_cutoff: input!.cutoffs.join(),
    adaptive_input_factor: input!.factor,
    adaptive_softmax_cutoff: softmax!.cutoffs.join(),
    adaptive_softmax_factor: softmax!.factor,
    adaptive_softmax_dropout: softmax!.dropout,
    tie_adaptive_weights: softmax!.tieWeights,
    tie_adaptive_proj: softmax!.tieProjections,
  };
}

function delightArgs(config: Extract<ModelConfig, { type: 'delight' }>): Record<string, unknown> {
  const stack = (name: string, { blocks, minDepth, maxDepth, widthMultiplier, ...rest }: typeof config.decoder) => ({
    [`delight_${name}_layers`]: blocks,
    [`delight_${name}_min_depth`]: minDepth,
    [`delight_${name}_max_depth`]: maxDepth,
    [`delight_${name}_width_mult`]: widthMultiplier,
    [`delight_${name}_scaling`]: rest.scaling,
    [`delight_${name}_max_groups`]: rest.maxGroups,
    [`delight_${name}_ffn_red`]: rest.ffnReduction,
  });
  return {
    delight_emb_map_dim: config.embeddingSize,
    delight_emb_out_dim: config.hiddenSize,
    delight_emb_depth: config.embedding.depth,
    delight_emb_width_mult: config.embedding.widthMultiplier,
    delight_emb_max_groups: config.embedding.maxGroups,
    ...stack('dec', config.decoder),
    ...('encoder' in config ? stack('enc', config.encoder) : {}),
    delight_dropout: config.unitDropout,
    delight_emb_dropout: config.embeddingDropout,
    ffn_dropout: config.ffnDropout,
    pe_dropout: config.positionDropout,
    glt_shuffle: config.shuffle,
    no_glt_shuffle: !config.shuffle,
    define_iclr: config.define,
    norm_type: { layer: 'ln', batch: 'bn' }[config.norm],
    act_type: config.activation,
  };
}

function transformerArgs(config: Extract<ModelConfig, { type: 'transformer' }>): Record<string, unknown> {
  const stack = (name: string, { layers, heads, ffnSize }: typeof config.decoder) => ({
    [`${name}_embed_dim`]: config.hiddenSize,
    [`${name}_layers`]: layers,
    [`${name}_attention_heads`]: heads,
    [`${name}_ffn_embed_dim`]: ffnSize,
  });
  return {
    ...stack('decoder', config.decoder),
    ...('encoder' in config ? stack('encoder', config.encoder) : {}),
    activation_fn: config.activation,
    decoder_input_dim: config.hiddenSize,
    decoder_output_dim: config.hiddenSize,
  };
}

/** Arguments of the reference without a counterpart here: its own switches that are off, and what its counting prints. */
const withoutCounterpart = [
  ...['print_stats', 'src_len_ps', 'tgt_len_ps', 'layernorm_embedding', 'add_bos_token', 'decoder_layers_to_keep'],
  ...['encoder_layers_to_keep', 'encoder_layerdrop', 'decoder_layerdrop', 'encoder_embed_path', 'decoder_embed_path'],
  ...['no_cross_attention', 'cross_self_attention', 'layer_wise_attention'],
];
/** Says nothing where the softmax is plain. */
const unusedByTranslation = ['adaptive_softmax_factor', 'tie_adaptive_weights', 'tie_adaptive_proj'];
/** The language model names its activation twice. */
const repeated = (config: ModelConfig) => (isTranslation(config) ? {} : { activation_fn: config.activation });

test.each(goldenArchitectures)('%s has every argument of the reference', (name, golden) => {
  const config = architecture(name);
  const ignored = [...withoutCounterpart, ...(isTranslation(config) ? unusedByTranslation : [])];
  const wanted = Object.fromEntries(Object.entries(golden.args).filter(([key]) => !ignored.includes(key)));
  expect({ ...repeated(config), ...referenceArgs(config) }).toEqual(wanted);
  const sizes = isTranslation(config) ? [config.sourceVocabSize, config.targetVocabSize] : config.vocabSize;
  expect(sizes).toEqual(golden.vocab);
});

test.each(architectureNames())('%s reads back as the same, also from JSON', (name) => {
  const config = architecture(name);
  const read = JSON.parse(JSON.stringify(config)) as never;
  expect(isTranslation(config) ? translationModelConfig(read) : languageModelConfig(read)).toEqual(config);
});

test('the plain name of IWSLT is its width 512', () => {
  expect(architecture('delight-iwslt14-de-en')).toEqual(architecture('delight-iwslt14-de-en-512'));
});

test.each([
  [0.075, 2, 0.07],
  [0.025, 2, 0.03],
  [0.0625, 2, 0.06],
  [0.1875, 2, 0.19],
  [0.125, 2, 0.12],
  [0.375, 2, 0.38],
  [2.142857142857143, 3, 2.143],
  [0, 2, 0],
])('%d rounds to %d digits as in Python: %d', (value, digits, expected) => {
  expect(roundHalfEven(value, digits)).toBe(expected);
});

const vocabularies = { sourceVocabSize: 100, targetVocabSize: 100 };
const small = { type: 'delight', hiddenSize: 64, embeddingSize: 32, ...vocabularies } as const;

describe('defaults', () => {
  test('the decoder follows the encoder, the embedding the decoder, the number of blocks the depth', () => {
    const config = translationModelConfig({
      ...small,
      encoder: { minDepth: 3, maxDepth: 6, widthMultiplier: 1.5 },
      decoder: { maxDepth: 5 },
    });
    if (config.type !== 'delight') throw new Error('not a DeLighT');
    expect(config.encoder).toMatchObject({ minDepth: 3, maxDepth: 6, widthMultiplier: 1.5, blocks: 6, maxGroups: 2 });
    expect(config.decoder).toMatchObject({ minDepth: 3, maxDepth: 5, widthMultiplier: 1.5, blocks: 5, maxGroups: 2 });
    expect(config.embedding).toEqual({ depth: 3, widthMultiplier: 1.5, maxGroups: 2 });
  });

  test('uniform scaling needs one depth only', () => {
    const config = translationModelConfig({ ...small, encoder: { scaling: 'uniform', maxDepth: 5 } });
    expect(config.encoder).toMatchObject({ minDepth: 5, maxDepth: 5, blocks: 5 });
  });

  test('the faults of the reference are switched off', () => {
    const config = languageModelConfig({
      ...{ type: 'delight', hiddenSize: 64, vocabSize: 100 },
      adaptiveInput: { cutoffs: [20, 40] },
      adaptiveSoftmax: {},
    });
    expect(config.adaptiveInput).toEqual({ cutoffs: [20, 40], factor: 2, zeroTailInit: false });
    expect(config.adaptiveSoftmax).toEqual({
      ...{ cutoffs: [20, 40], factor: 2, dropout: 0, tieWeights: true, tieProjections: true, ignoreTailPad: false },
    });
    expect(config.tieWordEmbeddings).toBe(false);
  });

  test('an adaptive softmax over a plain table has weights of its own', () => {
    const config = languageModelConfig({
      ...{ type: 'transformer', hiddenSize: 64, vocabSize: 100 },
      adaptiveSoftmax: { cutoffs: [20] },
    });
    expect(config.adaptiveSoftmax).toMatchObject({ tieWeights: false, tieProjections: false });
  });

  test('DeFINE does not shuffle', () => {
    expect(translationModelConfig({ ...small, define: true })).toMatchObject({ shuffle: false });
    expect(translationModelConfig(small)).toMatchObject({ shuffle: true });
  });
});

describe('a named architecture', () => {
  test('gives the keys that are not beside it, section by section', () => {
    const config = translationModelConfig({
      ...{ architecture: 'delight-iwslt14-de-en-384-w1', ...vocabularies },
      encoder: { maxDepth: 4 },
      dropout: 0,
    });
    expect(config).toMatchObject({
      ...{ type: 'delight', hiddenSize: 384, dropout: 0, ffnDropout: 0.23 },
      encoder: { minDepth: 3, maxDepth: 4, widthMultiplier: 1 },
    });
  });

  test("leaves the vocabulary to the data: sizes, and what its data set's dictionary has for padding", () => {
    const translation = translationModelSchema.parse({ architecture: 'delight-wmt14-en-de-128' });
    expect(translation.sourceVocabSize).toBeUndefined();
    expect(languageModelSchema.parse({ architecture: 'delight-wiki103-128' })).toMatchObject({ padTokenId: null });
    expect(architecture('delight-wiki103-128')).toMatchObject({ padTokenId: 1 });
  });
});

test('sections of a study may leave the vocabularies out, models may not', () => {
  const section = parseConfig({ type: 'delight', hiddenSize: 64 }, translationModelSchema, 'study');
  expect(() => translationModelConfig(section)).toThrow(
    /^model sourceVocabSize missing; expected the number of entries/,
  );
  expect(translationModelConfig({ ...section, ...vocabularies }).sourceVocabSize).toBe(100);
  expect(() => languageModelConfig({ type: 'transformer', hiddenSize: 64 })).toThrow(/^model vocabSize missing/);
});

describe('what cannot be is refused with what could', () => {
  test.each<[object, RegExp]>([
    [{ hiddenSize: 100 }, /^model hiddenSize 100 must be a multiple of 32 .*; the nearest possible value is 96$/],
    [{ hiddenSize: 65 }, /^model hiddenSize 65 must be even.*; the nearest possible value is 64$/],
    [{ encoder: { minDepth: 1 } }, /^model encoder\.minDepth 1 .*; the nearest possible value is 2$/],
    [{ encoder: { minDepth: 9 } }, /^model encoder\.minDepth 9 is more than maxDepth 8; .* 8$/],
    [{ decoder: { minDepth: 9 } }, /^model decoder\.minDepth 9 is more than maxDepth 8; .* 8$/],
    [{ encoder: { maxDepth: 3 } }, /^model encoder\.minDepth 4 is more than maxDepth 3; .* 3$/],
    [{ encoder: { scaling: 'uniform', minDepth: 4, maxDepth: 8 } }, /maxDepth 8 must equal minDepth 4.*; .* 4$/],
    [{ encoder: { maxGroups: 12 } }, /^model encoder\.maxGroups 12 must be a power of 2; .* 8$/],
    [{ encoder: { maxGroups: 64, maxDepth: 12 } }, /^model hiddenSize 64 has a half .* 128$/],
    [{ encoder: { ffnReduction: 65 } }, /^model encoder\.ffnReduction 65 leaves nothing of hiddenSize 64; .* 64$/],
    [{ embeddingSize: 31 }, /^model embeddingSize 31 must be even; .* 30$/],
    [
      { embedding: { maxGroups: 64 } },
      /^model embeddingSize 32 cannot be split into embedding\.maxGroups = 64 groups; .* 64$/,
    ],
    [{ embedding: { depth: 1 } }, /^model embedding\.depth 1 is too few: .*; the nearest possible value is 2$/],
    [{ embedding: { widthMultiplier: 0.001 } }, /^model embedding\.widthMultiplier 0\.001 gives layer 1 a width of 0/],
    [{ shuffle: true, define: true }, /^model shuffle must be false with define/],
    [{ dropout: 1 }, /^model dropout .*<1, found 1$/],
    [{ padTokenId: 100 }, /^model padTokenId 100 is not an id of a vocabulary of 100$/],
    [{ eosTokenId: 1 }, /^model eosTokenId 1 is also padTokenId$/],
    [
      { shareEmbeddings: true, targetVocabSize: 90 },
      /^model shareEmbeddings needs one vocabulary, .* 100 and 90 entries$/,
    ],
    [{ hiddensize: 64 }, /^model hiddensize unknown key; did you mean hiddenSize\?$/],
    [{ type: 'deligt' }, /^model type expected "delight" or "transformer", found "deligt"$/],
    [{ type: undefined }, /^model type missing; expected "delight" or "transformer"$/],
    [{ architecture: 'delight-wmt14-en-de-641' }, /^model architecture .*Did you mean delight-wmt14-en-de-640\?$/],
    [{ architecture: 'delight-wiki103-128' }, /^model architecture delight-wiki103-128 is for language modelling$/],
    [{ architecture: 5 }, /^model architecture expected the name of an architecture$/],
  ])('translation: %j', (change, message) => {
    const options = { ...small, ...change } as TranslationModelOptions;
    expect(() => translationModelConfig(options)).toThrow(message);
    expect(() => translationModelConfig(options)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
  });

  test.each<[object, RegExp]>([
    [
      { decoder: { heads: 7 } },
      /^model decoder\.heads 7 do not divide hiddenSize 64; the nearest possible value is 8$/,
    ],
    [{ decoder: { layers: 5000 } }, /^model decoder\.layers 5000 is more than 1000/],
    [{ hiddenSize: 2 }, /^model hiddenSize 2 must be at least 4; the nearest possible value is 8$/],
    [{ normalizeBefore: false }, /^model normalizeBefore expected true, found false$/],
    [{ padTokenId: 100 }, /^model padTokenId 100 is not an id/],
    [{ adaptiveInput: { cutoffs: [40, 20] } }, /^model adaptiveInput\.cutoffs must be increasing$/],
    [
      { adaptiveInput: { cutoffs: [100] } },
      /^model adaptiveInput\.cutoffs 100 is not below the vocabulary's 100 entries$/,
    ],
    [{ adaptiveInput: { cutoffs: [20], factor: 65 } }, /^model adaptiveInput\.factor 65 leaves no features of 64/],
    [
      { padTokenId: 30, adaptiveInput: { cutoffs: [20] } },
      /^model adaptiveInput\.cutoffs the first must be above padTokenId 30$/,
    ],
    [{ adaptiveSoftmax: {} }, /^model adaptiveSoftmax\.cutoffs missing/],
    [{ adaptiveSoftmax: { cutoffs: [20], tieWeights: true } }, /tieWeights needs an adaptiveInput to share with/],
    [{ adaptiveSoftmax: { cutoffs: [20], tieProjections: true } }, /tieProjections needs tieWeights/],
    [
      { adaptiveInput: { cutoffs: [30] }, adaptiveSoftmax: { cutoffs: [20] } },
      /tieWeights needs adaptiveInput's cutoffs/,
    ],
    [{ adaptiveInput: { cutoffs: [30] }, tieWordEmbeddings: true }, /^model tieWordEmbeddings is for plain tables/],
    [{ architecture: 'delight-wmt14-en-de-128' }, /^model architecture delight-wmt14-en-de-128 is for translation$/],
  ])('language: %j', (change, message) => {
    const options = { type: 'transformer', hiddenSize: 64, vocabSize: 100, ...change } as LanguageModelOptions;
    expect(() => languageModelConfig(options)).toThrow(message);
  });

  test('a value that the decoder has from the encoder is named once, where it stands', () => {
    const refused = () => translationModelConfig({ ...small, encoder: { minDepth: 1 } });
    expect(refused).toThrow(expect.objectContaining({ message: expect.not.stringContaining('\n') as string }));
  });

  test('an unknown architecture', () => {
    expect(() => architecture('delight-wmt14-en-de')).toThrow(
      /^There is no architecture delight-wmt14-en-de\. Did you mean/,
    );
  });
});

test('the schemas nest in others', () => {
  const study = z.strictObject({ models: z.record(z.string(), translationModelSchema) });
  const value = { models: { A: { type: 'delight', hiddenSize: 100 } } };
  expect(() => parseConfig(value, study, 'study')).toThrow(/^study models\.A\.hiddenSize 100 must be a multiple of 32/);
});
