/** From the original's argument names to this family's configuration, for golden files and the checkpoints they stand for. */
import { z } from 'zod';

import { parseConfig } from '../../config';
import { ConfigError } from '../../errors';
import {
  languageModelConfig,
  translationModelConfig,
  type LanguageModelConfig,
  type NormName,
  type TranslationModelConfig,
} from '../config';
import { activationNames } from '../keys';
import { scalings } from '../transformation';

/** The original makes `gn` a batch norm, since it asks for a single group. */
const norms = { ln: 'layer', bn: 'batch', gn: 'batch' } as const;
export const normName = z
  .enum(['ln', 'bn', 'gn'])
  .nullish()
  .transform((name): NormName | null => (name ? norms[name] : null));
export const activationName = z
  .enum(activationNames)
  .nullish()
  .transform((name) => name ?? null);

const rate = z.number().default(0);
const size = z.number();
/** `"20000,60000"`. */
const cutoffs = z
  .string()
  .nullish()
  .transform((list) => (list ? list.split(',').map(Number) : null));

const shared = {
  delight_emb_map_dim: size,
  delight_emb_out_dim: size,
  delight_emb_depth: size,
  delight_emb_width_mult: size,
  delight_emb_max_groups: size,
  delight_dec_scaling: z.enum(scalings),
  delight_dec_layers: size,
  delight_dec_min_depth: size,
  delight_dec_max_depth: size,
  delight_dec_width_mult: size,
  delight_dec_max_groups: size,
  delight_dec_ffn_red: size,
  glt_shuffle: z.boolean(),
  define_iclr: z.boolean(),
  norm_type: normName,
  act_type: z.enum(activationNames),
  dropout: rate,
  attention_dropout: rate,
  activation_dropout: rate,
  relu_dropout: rate,
  ffn_dropout: rate,
  delight_dropout: rate,
  delight_emb_dropout: rate,
  pe_dropout: rate,
  share_decoder_input_output_embed: z.boolean(),
  decoder_normalize_before: z.boolean(),
  no_decoder_final_norm: z.boolean().default(false),
  no_token_positional_embeddings: z.boolean().default(false),
  decoder_learned_pos: z.boolean().default(false),
  no_scale_embedding: z.boolean().default(false),
  max_target_positions: size,
};

const translationArguments = z.looseObject({
  ...shared,
  delight_enc_scaling: z.enum(scalings),
  delight_enc_layers: size,
  delight_enc_min_depth: size,
  delight_enc_max_depth: size,
  delight_enc_width_mult: size,
  delight_enc_max_groups: size,
  delight_enc_ffn_red: size,
  share_all_embeddings: z.boolean().default(false),
  encoder_normalize_before: z.boolean(),
  encoder_learned_pos: z.boolean().default(false),
  max_source_positions: size,
});

const languageArguments = z.looseObject({
  ...shared,
  adaptive_input: z.boolean().default(false),
  adaptive_input_cutoff: cutoffs,
  adaptive_input_factor: z.number().default(4),
  adaptive_softmax_cutoff: cutoffs,
  adaptive_softmax_factor: z.number().default(4),
  adaptive_softmax_dropout: rate,
  tie_adaptive_weights: z.boolean().default(false),
  tie_adaptive_proj: z.boolean().default(false),
});

type Shared = z.output<z.ZodObject<typeof shared>>;

function common(args: Shared) {
  const positions: 'learned' | 'sinusoidal' = args.decoder_learned_pos ? 'learned' : 'sinusoidal';
  return {
    type: 'delight' as const,
    hiddenSize: args.delight_emb_out_dim,
    embeddingSize: args.delight_emb_map_dim,
    embedding: {
      depth: args.delight_emb_depth,
      widthMultiplier: args.delight_emb_width_mult,
      maxGroups: args.delight_emb_max_groups,
    },
    decoder: {
      scaling: args.delight_dec_scaling,
      blocks: args.delight_dec_layers,
      minDepth: args.delight_dec_min_depth,
      maxDepth: args.delight_dec_max_depth,
      widthMultiplier: args.delight_dec_width_mult,
      maxGroups: args.delight_dec_max_groups,
      ffnReduction: args.delight_dec_ffn_red,
    },
    shuffle: args.glt_shuffle && !args.define_iclr,
    define: args.define_iclr,
    ...(args.norm_type ? { norm: args.norm_type } : {}),
    activation: args.act_type,
    dropout: args.dropout,
    attentionDropout: args.attention_dropout,
    activationDropout: args.activation_dropout || args.relu_dropout,
    ffnDropout: args.ffn_dropout,
    unitDropout: args.delight_dropout,
    embeddingDropout: args.delight_emb_dropout,
    positionDropout: args.pe_dropout,
    finalNorm: !args.no_decoder_final_norm,
    positions: args.no_token_positional_embeddings ? ('none' as const) : positions,
    scaleEmbedding: !args.no_scale_embedding,
  };
}

/** @throws ConfigError for arguments that are missing, or what this family does not have: sides that normalise differently */
export function originalTranslationConfig(
  content: unknown,
  vocabulary: { source: number; target: number },
): TranslationModelConfig {
  const args = parseConfig(content, translationArguments, 'config');
  for (const what of ['normalize_before', 'learned_pos'] as const) {
    if (args[`encoder_${what}`] !== args[`decoder_${what}`]) {
      throw new ConfigError(`config encoder_${what} and decoder_${what} differ, which is not supported.`);
    }
  }
  return translationModelConfig(
    {
      ...common(args),
      sourceVocabSize: vocabulary.source,
      targetVocabSize: vocabulary.target,
      encoder: {
        scaling: args.delight_enc_scaling,
        blocks: args.delight_enc_layers,
        minDepth: args.delight_enc_min_depth,
        maxDepth: args.delight_enc_max_depth,
        widthMultiplier: args.delight_enc_width_mult,
        maxGroups: args.delight_enc_max_groups,
        ffnReduction: args.delight_enc_ffn_red,
      },
      shareEmbeddings: args.share_all_embeddings,
      tieWordEmbeddings: args.share_all_embeddings || args.share_decoder_input_output_embed,
      normalizeBefore: args.decoder_normalize_before,
      maxSourcePositions: args.max_source_positions,
      maxTargetPositions: args.max_target_positions,
    },
    'config',
  );
}

const transformerArguments = z.looseObject({
  encoder_embed_dim: size,
  encoder_layers: size,
  encoder_attention_heads: size,
  encoder_ffn_embed_dim: size,
  decoder_embed_dim: size,
  decoder_layers: size,
  decoder_attention_heads: size,
  decoder_ffn_embed_dim: size,
  share_all_embeddings: z.boolean().default(false),
  share_decoder_input_output_embed: z.boolean().default(false),
  encoder_normalize_before: z.boolean().default(false),
  dropout: rate,
  attention_dropout: rate,
  activation_dropout: rate,
  max_source_positions: size,
  max_target_positions: size,
});

/** fairseq's Transformer, the original's baseline. */
export function originalTransformerConfig(
  content: unknown,
  vocabulary: { source: number; target: number },
): TranslationModelConfig {
  const args = parseConfig(content, transformerArguments, 'config');
  return translationModelConfig(
    {
      type: 'transformer',
      hiddenSize: args.encoder_embed_dim,
      encoder: {
        layers: args.encoder_layers,
        heads: args.encoder_attention_heads,
        ffnSize: args.encoder_ffn_embed_dim,
      },
      decoder: {
        layers: args.decoder_layers,
        heads: args.decoder_attention_heads,
        ffnSize: args.decoder_ffn_embed_dim,
      },
      sourceVocabSize: vocabulary.source,
      targetVocabSize: vocabulary.target,
      shareEmbeddings: args.share_all_embeddings,
      tieWordEmbeddings: args.share_all_embeddings || args.share_decoder_input_output_embed,
      normalizeBefore: args.encoder_normalize_before,
      dropout: args.dropout,
      attentionDropout: args.attention_dropout,
      activationDropout: args.activation_dropout,
      maxSourcePositions: args.max_source_positions,
      maxTargetPositions: args.max_target_positions,
    },
    'config',
  );
}

/** @param ignoreTailPad whether training has the original's fault (see `AdaptiveSoftmax`) */
export function originalLanguageConfig(
  content: unknown,
  vocabSize: number,
  ignoreTailPad: boolean,
): LanguageModelConfig {
  const args = parseConfig(content, languageArguments, 'config');
  const inputCutoffs = args.adaptive_input_cutoff ?? args.adaptive_softmax_cutoff;
  const outputCutoffs = args.adaptive_softmax_cutoff;
  return languageModelConfig(
    {
      ...common(args),
      vocabSize,
      padTokenId: 1,
      maxPositionEmbeddings: args.max_target_positions,
      adaptiveInput:
        args.adaptive_input && inputCutoffs ? { cutoffs: inputCutoffs, factor: args.adaptive_input_factor } : null,
      adaptiveSoftmax: outputCutoffs && {
        cutoffs: outputCutoffs,
        factor: args.adaptive_softmax_factor,
        dropout: args.adaptive_softmax_dropout,
        tieWeights: args.tie_adaptive_weights,
        tieProjections: args.tie_adaptive_proj,
        ignoreTailPad,
      },
      tieWordEmbeddings: outputCutoffs ? false : args.share_decoder_input_output_embed,
    },
    'config',
  );
}
