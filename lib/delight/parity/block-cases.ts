/** Golden cases of attention and of whole encoder and decoder layers. */
import { z } from 'zod';

import { ConfigError } from '../../errors';
import type { Measurement } from '../../parity';
import { noGrad, torch, type Tensor } from '../../tensor';
import {
  DecoderLayerState,
  DelightDecoderLayer,
  DelightEncoderLayer,
  IncrementalState,
  SingleHeadAttention,
  type DelightLayerOptions,
} from '../layers';
import type { Golden } from './golden';
import { activationName, normName } from './original-config';
import { compareProbed } from './probed';

const attentionSchema = z.looseObject({
  config: z.looseObject({
    q_in_dim: z.number(),
    kv_in_dim: z.number(),
    proj_dim: z.number(),
    out_dim: z.number(),
    self_attention: z.boolean().default(false),
  }),
});

function makeAttention(golden: Golden): SingleHeadAttention {
  const { config } = golden.fields(attentionSchema);
  const layer = new SingleHeadAttention(
    {
      type: config.self_attention ? 'self' : 'cross',
      queryFeatures: config.q_in_dim,
      keyValueFeatures: config.kv_in_dim,
      projFeatures: config.proj_dim,
      outFeatures: config.out_dim,
    },
    golden.place,
  );
  golden.fill(layer);
  return layer;
}

async function runAttention(golden: Golden): Promise<Measurement[]> {
  using layer = makeAttention(golden);
  const [x, kv] = [golden.input('x'), golden.optionalInput('kv')];
  const { output, weights } = layer.forward(x, {
    keyValue: kv,
    keyPaddingMask: golden.optionalInput('key_padding_mask'),
    attentionMask: golden.optionalInput('attn_mask'),
  });
  return await compareProbed(golden, layer, { x, kv }, { y: output, weights });
}

/** One position after another, `x` `[time, batch, features]`, and the results together. */
const stepped = (x: Tensor, step: (position: Tensor) => Tensor) =>
  noGrad(() => torch.cat(Array.from({ length: x.size(0) }, (_, time) => step(x.narrow(0, time, 1)))));

async function runIncrementalAttention(golden: Golden): Promise<Measurement[]> {
  using layer = makeAttention(golden);
  using state = new IncrementalState();
  const [x, keyValue] = [golden.input('x'), golden.optionalInput('kv')];
  const inputs = { keyValue, keyPaddingMask: golden.optionalInput('key_padding_mask') };
  const attentionMask = golden.optionalInput('attn_mask');
  const full = noGrad(() => layer.forward(x, { ...inputs, attentionMask }).output);
  const steps = stepped(x, (position) => layer.step(position, state, inputs).output);
  const measured = [await golden.output('full', full), await golden.output('steps', steps)];
  const compareState = async (prefix: string) => {
    for (const [name, tensor] of Object.entries({ key: state.key!, value: state.value! }))
      if (golden.has(`out.${prefix}_${name}`)) measured.push(await golden.output(`${prefix}_${name}`, tensor));
  };
  await compareState('final_prev');
  if (golden.has('in.new_order')) state.reorder(golden.input('new_order'));
  await compareState('reordered_prev');
  return measured;
}

const layerSchema = z.looseObject({
  config: z.looseObject({
    embed_dim: z.number(),
    width_multiplier: z.number(),
    dextra_depth: z.number(),
    dextra_proj: z.number().default(2),
    no_encoder_attn: z.boolean().default(false),
    delight_enc_max_groups: z.number(),
    delight_dec_max_groups: z.number(),
    delight_enc_ffn_red: z.number(),
    delight_dec_ffn_red: z.number(),
    act_type: activationName,
    norm_type: normName,
    glt_shuffle: z.boolean(),
    define_iclr: z.boolean(),
    encoder_normalize_before: z.boolean(),
    decoder_normalize_before: z.boolean(),
  }),
});
type LayerConfig = z.output<typeof layerSchema>['config'];

function layerOptions(config: LayerConfig, side: 'encoder' | 'decoder'): DelightLayerOptions {
  if (config.dextra_proj !== 2)
    throw new ConfigError(`config dextra_proj ${config.dextra_proj} is not supported; only 2 is.`);
  const { act_type: activation, norm_type: norm } = config;
  const encoder = side === 'encoder';
  return {
    hiddenSize: config.embed_dim,
    depth: config.dextra_depth,
    widthMultiplier: config.width_multiplier,
    maxGroups: encoder ? config.delight_enc_max_groups : config.delight_dec_max_groups,
    ffnReduction: encoder ? config.delight_enc_ffn_red : config.delight_dec_ffn_red,
    normalizeBefore: encoder ? config.encoder_normalize_before : config.decoder_normalize_before,
    define: config.define_iclr,
    shuffle: config.glt_shuffle && !config.define_iclr,
    ...(activation ? { activation } : {}),
    ...(norm ? { norm } : {}),
  };
}

async function runEncoderLayer(golden: Golden): Promise<Measurement[]> {
  const { config } = golden.fields(layerSchema);
  using layer = new DelightEncoderLayer(layerOptions(config, 'encoder'), golden.place);
  golden.fill(layer);
  const x = golden.input('x');
  const y = layer.forward(x, { paddingMask: golden.optionalInput('encoder_padding_mask') });
  return await compareProbed(golden, layer, { x }, { y });
}

async function runDecoderLayer(golden: Golden): Promise<Measurement[]> {
  const { config } = golden.fields(layerSchema);
  const options = { ...layerOptions(config, 'decoder'), crossAttention: !config.no_encoder_attn };
  using layer = new DelightDecoderLayer(options, golden.place);
  golden.fill(layer);
  const [x, encoderOut] = [golden.input('x'), golden.optionalInput('encoder_out')];
  const encoderPaddingMask = golden.optionalInput('encoder_padding_mask');
  const selfAttentionMask = golden.optionalInput('self_attn_mask');
  const { output, crossWeights } = layer.forward(x, { encoderOut, encoderPaddingMask, selfAttentionMask });
  const inputs = { x, encoder_out: encoderOut };
  const measured = await compareProbed(golden, layer, inputs, { y: output, attn: crossWeights });
  if (!golden.has('out.y_incremental')) return measured;
  using state = new DecoderLayerState();
  const steps = stepped(x, (position) => layer.step(position, state, { encoderOut, encoderPaddingMask }).output);
  return [...measured, await golden.output('y_incremental', steps)];
}

export const blockCases: Record<string, (golden: Golden) => Promise<Measurement[]>> = {
  attention: runAttention,
  attention_incremental: runIncrementalAttention,
  encoder_layer: runEncoderLayer,
  decoder_layer: runDecoderLayer,
};
