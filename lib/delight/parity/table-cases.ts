/** Golden tables that lie beside the tensors: what architectures cost, and the learning rates of schedules. */
import { z } from 'zod';

import { parseConfig } from '../../config';
import { learningRateAt, scaledLearningRate, type UpdateSchedule } from '../../optim';
import type { Measurement, ParityCase } from '../../parity';
import { isTranslation, type ModelConfig } from '../config';
import { modelCost } from '../cost';
import { decoderPlan, embeddingPlan, encoderPlan, type BlockPlan, type GroupLinearSize } from '../plan';
import { originalLanguageConfig, originalTransformerConfig, originalTranslationConfig } from './original-config';

const gltRows = z.array(z.tuple([z.number(), z.number(), z.number()]));
const blockRows = z.array(z.looseObject({ depth: z.number(), width_multiplier: z.number(), glt: gltRows }));

const architectureSchema = z.looseObject({
  num_parameters_unique: z.number(),
  vocab: z.union([z.number(), z.tuple([z.number(), z.number()])]),
  args: z.looseObject({}),
  stats: z.record(z.string(), z.looseObject({ exact_total_macs_sum_over_steps: z.number() })),
  embedding_glt: gltRows.optional(),
  encoder_blocks: blockRows.optional(),
  decoder_blocks: blockRows.optional(),
});

function configOf({ args, vocab }: z.output<typeof architectureSchema>): ModelConfig {
  if (typeof vocab === 'number') return originalLanguageConfig(args, vocab, false);
  const sizes = { source: vocab[0], target: vocab[1] };
  return 'delight_emb_map_dim' in args
    ? originalTranslationConfig(args, sizes)
    : originalTransformerConfig(args, sizes);
}

const rowsOf = (layers: readonly GroupLinearSize[]) =>
  layers.map((each) => [each.inFeatures, each.outFeatures, each.groups]);
const blocksOf = (plans: readonly BlockPlan[]) =>
  plans.map((plan) => {
    if (plan.type !== 'delight') return null;
    const { depth, widthMultiplier, layers } = plan.transformation;
    return { depth, width_multiplier: widthMultiplier, glt: rowsOf(layers) };
  });

/** Counts are whole numbers: any difference is a failure. */
const exactly = (what: string, actual: number, golden: number): Measurement => ({
  what,
  error: Math.abs(actual - golden),
  tolerance: 0,
});
const same = (what: string, actual: unknown, golden: unknown): Measurement[] =>
  golden === undefined ? [] : [exactly(what, Number(JSON.stringify(actual) !== JSON.stringify(golden)), 0)];

function runArchitecture(content: unknown): Measurement[] {
  const golden = parseConfig(content, architectureSchema, 'architecture');
  const config = configOf(golden);
  const measured = [exactly('parameters', modelCost(config).total.parameters, golden.num_parameters_unique)];
  for (const [name, { exact_total_macs_sum_over_steps: macs }] of Object.entries(golden.stats)) {
    const [source, target] = (/src=(\d+),tgt=(\d+)/.exec(name)?.slice(1) ?? ['20', '20']).map(Number);
    const cost = modelCost(config, { source: source!, target: target! });
    measured.push(exactly(`MACs at ${name}`, cost.total.macs, macs));
  }
  const simple = (blocks: z.output<typeof blockRows> | undefined) =>
    blocks?.map(({ depth, width_multiplier, glt }) => ({ depth, width_multiplier, glt }));
  measured.push(...same('sizes of the embedding', rowsOf(embeddingPlan(config)?.layers ?? []), golden.embedding_glt));
  measured.push(...same('sizes of the decoder', blocksOf(decoderPlan(config)), simple(golden.decoder_blocks)));
  if (isTranslation(config))
    measured.push(...same('sizes of the encoder', blocksOf(encoderPlan(config)), simple(golden.encoder_blocks)));
  return measured;
}

const scheduleSchema = z.looseObject({
  args: z.looseObject({
    lr: z.tuple([z.number()]),
    max_lr: z.number().optional(),
    warmup_init_lr: z.number(),
    warmup_updates: z.number(),
    lr_period_updates: z.number().optional(),
    max_update: z.number().optional(),
  }),
  lr: z.record(z.string(), z.number()),
});

function scheduleOf({ args }: z.output<typeof scheduleSchema>): UpdateSchedule {
  const { lr, max_lr: maxLr, warmup_init_lr: warmupInitLr, warmup_updates: warmupUpdates } = args;
  const warmup = { warmupInitLr, warmupUpdates, maxLr: maxLr ?? lr[0] };
  if (args.lr_period_updates !== undefined)
    return { type: 'cosine', ...warmup, minLr: lr[0], periodUpdates: args.lr_period_updates };
  if (args.max_update !== undefined)
    return { type: 'linear', ...warmup, minLr: warmupInitLr, totalUpdates: args.max_update };
  return { type: 'inverse-sqrt', ...warmup };
}

/** Rates are floating-point numbers of few operations. */
const rateTolerance = 1e-9;
const rate = (what: string, actual: number, golden: number): Measurement => ({
  what,
  error: Math.abs(actual - golden),
  tolerance: rateTolerance * golden,
});

function runSchedule(content: unknown): Measurement[] {
  const golden = parseConfig(content, scheduleSchema, 'schedule');
  const schedule = scheduleOf(golden);
  return Object.entries(golden.lr).map(([updates, lr]) =>
    rate(`learning rate after ${updates} updates`, learningRateAt(schedule, Number(updates)), lr),
  );
}

/** The width and rate that each recipe's rule starts from, and the decimals it keeps. */
const references: Record<string, { width: number; lr: number; digits: number }> = {
  wmt14_en_de: { width: 640, lr: 0.003, digits: 3 },
  wmt14_en_fr: { width: 640, lr: 0.003, digits: 3 },
  wmt16_en_ro: { width: 512, lr: 0.0007, digits: 4 },
  wikitext103: { width: 1024, lr: 0.002, digits: 3 },
};

function runRateRule(content: unknown, name: string): Measurement[] {
  const golden = parseConfig(content, z.record(z.string(), z.number()), name);
  const reference = references[name];
  if (reference === undefined) throw new Error(`there is no rule for the learning rates of ${name}`);
  return Object.entries(golden).map(([width, lr]) =>
    rate(`learning rate at width ${width}`, scaledLearningRate(Number(width), reference), lr),
  );
}

const section = z.record(z.string(), z.unknown()).default({});
const tables = {
  'macs_params.json': z.looseObject({ architectures: section }),
  'lr_schedules.json': z.looseObject({ schedules: section }),
};

/** Beside the schedules: the highest rate of each recipe by the model's width. */
const ratesByWidth = 'max_lr_rule';

/** The tables that parity knows, by their files' names. */
export const tableFiles = Object.keys(tables) as (keyof typeof tables)[];

/** The cases of one table. Numbers are compared in JavaScript, so that the dtype makes no difference. */
export function tableCases(file: keyof typeof tables, content: unknown): ParityCase[] {
  const make = (entries: Record<string, unknown>, run: (each: unknown, name: string) => Measurement[]) =>
    Object.entries(entries).map(([name, each]) => ({
      name: `${file}/${name}`,
      run: () => run(each, name),
    }));
  if (file === 'macs_params.json') return make(parseConfig(content, tables[file], file).architectures, runArchitecture);
  const { [ratesByWidth]: rules = {}, ...schedules } = parseConfig(content, tables[file], file).schedules;
  return [...make(schedules, runSchedule), ...make(parseConfig(rules, section, ratesByWidth), runRateRule)];
}
