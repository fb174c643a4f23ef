/** Golden cases of single layers. */
import { z } from 'zod';

import { CheckpointError } from '../../errors';
import type { Measurement } from '../../parity';
import { noGrad, torch } from '../../tensor';
import { activationNames } from '../keys';
import {
  Activation,
  AdaptiveInput,
  DelightEmbedding,
  DelightTransformation,
  GatedLinear,
  GroupLinear,
  SinusoidalPositions,
} from '../layers';
import type { Golden } from './golden';
import { activationName, normName } from './original-config';
import { compareProbed } from './probed';

const linearSchema = z.looseObject({
  config: z.looseObject({
    in_features: z.number(),
    out_features: z.number(),
    groups: z.number().default(1),
    gates: z.number().default(1),
    use_bias: z.boolean().default(true),
    shuffle: z.boolean().default(false),
    norm_type: normName,
    act_type: activationName,
  }),
});

/** What both kinds of transform are made from. */
function linearOptions(golden: Golden) {
  const { config } = golden.fields(linearSchema);
  const {
    in_features: inFeatures,
    out_features: outFeatures,
    use_bias: bias,
    norm_type: norm,
    act_type: activation,
  } = config;
  return { config, options: { inFeatures, outFeatures, bias, norm, activation } };
}

async function runLinear(golden: Golden): Promise<Measurement[]> {
  const { config, options } = linearOptions(golden);
  using layer = new GatedLinear({ ...options, gates: config.gates }, golden.place);
  golden.fill(layer);
  const x = golden.input('x');
  return await compareProbed(golden, layer, { x }, { y: layer.forward(x) });
}

async function runGroupLinear(golden: Golden): Promise<Measurement[]> {
  const { config, options } = linearOptions(golden);
  using layer = new GroupLinear({ ...options, groups: config.groups, shuffle: config.shuffle }, golden.place);
  golden.fill(layer);
  const x = golden.input('x');
  return await compareProbed(golden, layer, { x }, { y: layer.forward(x) });
}

/** With the identity as weights a shuffled group linear transform is the permutation alone. */
async function runPermutation(golden: Golden): Promise<Measurement[]> {
  const measured: Measurement[] = [];
  for (const name of golden.tensors.keys()) {
    const [, groups, features] = (/^perm\.g(\d+)_M(\d+)$/.exec(name) ?? []).map(Number);
    if (!groups || !features)
      throw new CheckpointError(`${golden.file}: ${name} does not say its groups and features.`);
    const options = { inFeatures: features, outFeatures: features, groups, shuffle: true, bias: false };
    using layer = new GroupLinear(options, golden.place);
    const positions = torch.arange(features, golden.place);
    const size = features / groups;
    noGrad(() => {
      for (const weights of layer.parameters())
        weights.copy_(torch.eye(size, golden.place).expand([groups, size, size]));
    });
    const y = noGrad(() => layer.forward(positions.reshape([1, 1, features])).reshape([features]));
    measured.push(await golden.measureTensors(name, y, golden.tensor(name)));
  }
  return measured;
}

async function runActivation(golden: Golden): Promise<Measurement[]> {
  const x = golden.input('x');
  const measured: Measurement[] = [];
  for (const name of activationNames) {
    if (!golden.has(`out.${name}`)) continue;
    using layer = new Activation(name, golden.place);
    measured.push(await golden.output(name, noGrad(() => layer.forward(x)))); // prettier-ignore
  }
  return measured;
}

const transformationSchema = z.looseObject({
  config: z.looseObject({
    in_features: z.number(),
    in_proj_features: z.number(),
    out_features: z.number(),
    width_multiplier: z.number(),
    dextra_depth: z.number(),
    max_glt_groups: z.number(),
    act_type: activationName,
    norm_type: normName,
    use_bias: z.boolean().default(true),
    glt_shuffle: z.boolean().default(false),
    is_iclr_version: z.boolean().default(false),
  }),
  layers: z.array(z.looseObject({ n_in: z.number(), n_out: z.number(), groups: z.number() })).optional(),
});

async function runTransformation(golden: Golden): Promise<Measurement[]> {
  const { config, layers } = golden.fields(transformationSchema);
  using layer = new DelightTransformation(
    {
      inFeatures: config.in_features,
      projFeatures: config.in_proj_features,
      outFeatures: config.out_features,
      widthMultiplier: config.width_multiplier,
      depth: config.dextra_depth,
      maxGroups: config.max_glt_groups,
      define: config.is_iclr_version,
      shuffle: config.glt_shuffle && !config.is_iclr_version,
      bias: config.use_bias,
      norm: config.norm_type,
      activation: config.act_type,
    },
    golden.place,
  );
  golden.fill(layer);
  const x = golden.input('x');
  const measured = await compareProbed(golden, layer, { x }, { y: layer.forward(x) });
  if (layers === undefined) return measured;
  const sizes = layer.plan.layers.flatMap((each) => [each.inFeatures, each.outFeatures, each.groups]);
  const wanted = layers.flatMap((each) => [each.n_in, each.n_out, each.groups]);
  return [...measured, golden.measure('sizes that differ', sizes.filter((each, i) => each !== wanted[i]).length, 0)];
}

const embeddingSchema = z.looseObject({
  config: z.looseObject({
    delight_emb_map_dim: z.number(),
    delight_emb_out_dim: z.number(),
    delight_emb_depth: z.number(),
    delight_emb_width_mult: z.number(),
    delight_emb_max_groups: z.number(),
    glt_shuffle: z.boolean(),
    define_iclr: z.boolean(),
    norm_type: normName,
    act_type: activationName,
    no_scale_embedding: z.boolean().default(false),
  }),
});

async function runEmbedding(golden: Golden): Promise<Measurement[]> {
  const { config } = golden.fields(embeddingSchema);
  const table = golden.tensor('w.map_layer.weight');
  using layer = new DelightEmbedding(
    {
      vocabSize: table.size(0),
      paddingId: 1,
      mapFeatures: config.delight_emb_map_dim,
      scale: !config.no_scale_embedding,
      unit: {
        projFeatures: config.delight_emb_out_dim / 2,
        outFeatures: config.delight_emb_out_dim,
        depth: config.delight_emb_depth,
        widthMultiplier: config.delight_emb_width_mult,
        maxGroups: config.delight_emb_max_groups,
        define: config.define_iclr,
        shuffle: config.glt_shuffle && !config.define_iclr,
        norm: config.norm_type,
        activation: config.act_type,
      },
    },
    golden.place,
  );
  golden.fill(layer);
  return await compareProbed(golden, layer, {}, { y: layer.forward(golden.input('tokens')) });
}

const adaptiveInputSchema = z.looseObject({
  config: z.looseObject({
    vocab_size: z.number(),
    padding_idx: z.number(),
    initial_dim: z.number(),
    factor: z.number(),
    output_dim: z.number(),
    cutoff: z.array(z.number()),
  }),
});

async function runAdaptiveInput(golden: Golden): Promise<Measurement[]> {
  const { config } = golden.fields(adaptiveInputSchema);
  using layer = new AdaptiveInput(
    {
      vocabSize: config.vocab_size,
      paddingId: config.padding_idx,
      initialFeatures: config.initial_dim,
      factor: config.factor,
      outFeatures: config.output_dim,
      cutoffs: config.cutoff,
    },
    golden.place,
  );
  golden.fill(layer);
  return await compareProbed(golden, layer, {}, { y: layer.forward(golden.input('tokens')) });
}

/** The padding id of the original's dictionaries. */
const paddingId = 1;

/** Tables of some widths, what tokens get, and the row of the third step of decoding. */
async function runPositions(golden: Golden): Promise<Measurement[]> {
  const tokens = golden.input('tokens');
  const measured: Measurement[] = [];
  for (const name of golden.tensors.keys()) {
    const features = Number(/^out\.table_d(\d+)$/.exec(name)?.[1]);
    if (!features) continue;
    const rows = golden.tensor(name).size(0);
    using layer = new SinusoidalPositions({ features, paddingId, maxPositions: rows }, golden.place);
    measured.push(await golden.output(`table_d${features}`, layer.table(rows)));
    measured.push(await golden.output(`y_d${features}`, layer.forward(tokens)));
    const row = layer.table(paddingId + 4).select(0, paddingId + 3);
    const step = golden.tensor(`out.inc_step3_d${features}`);
    measured.push(await golden.output(`inc_step3_d${features}`, row.expand(step.shape)));
  }
  return measured;
}

export const layerCases: Record<string, (golden: Golden) => Promise<Measurement[]>> = {
  linear: runLinear,
  group_linear: runGroupLinear,
  permutation: runPermutation,
  activation: runActivation,
  dextra: runTransformation,
  embedding: runEmbedding,
  adaptive_input: runAdaptiveInput,
  positional: runPositions,
};
