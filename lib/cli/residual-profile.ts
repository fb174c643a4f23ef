/** What `profile` does with a study of residual variants, or a decoder's folder: each variant in a line, before anything is trained. */
import { z } from 'zod';

import { parseConfig } from '../config';
import { dataSchema, type DataConfig } from '../data/schema';
import { ArgumentError } from '../errors';
import { totalOf } from '../memory';
import { residualOverrideSchema, residualSchema, residualTitle, type ModelConfig } from '../residual/config';
import { modelCost, type CostOptions, type ModelCost } from '../residual/cost';
import { modelSectionSchema } from '../residual/section';
import { variantNames } from '../residual/variant';
import { ratio, textTable, whole, type Column } from '../study/shared/table';
import { loadStudyFile } from '../study/shipped';

export interface ResidualProfileOptions {
  vocabSize?: number | undefined;
  /** Tokens of a sequence. Default: the study's `data.blockSize`, else the model's `maxPositionEmbeddings`. */
  length?: number | undefined;
  /** Default: the study's `train.batchSize`. */
  batchSize?: number | undefined;
}

export interface ResidualProfile {
  name: string;
  time: number;
  batch: number;
  precision: 'float32' | 'bf16' | 'float16';
  vocabSize: number;
  variants: { title: string; config: ModelConfig; cost: ModelCost }[];
}

/** Of a study, what costs depend on. */
const profiledSchema = z.looseObject({
  model: modelSectionSchema,
  variants: z
    .array(residualOverrideSchema)
    .min(1)
    .prefault([...variantNames]),
  data: dataSchema.optional(),
  train: z
    .looseObject({
      batchSize: z.int().positive().default(8),
      precision: z.enum(['float32', 'bf16', 'float16']).default('float32'),
    })
    .prefault({}),
});
type Profiled = z.output<typeof profiledSchema>;

/** The variants of a study. @throws ConfigError, ArgumentError */
export function profileStudy(
  { name, file }: { name: string; file: string },
  overrides: string[],
  options: ResidualProfileOptions,
): ResidualProfile {
  return profileOf(name, loadStudyFile(file, profiledSchema, overrides), options);
}

/** The seven variants of the sizes in a model's folder, and the model's own where it is none of them. @throws ConfigError, ArgumentError */
export function profileFolder(folder: string, options: ResidualProfileOptions): ResidualProfile {
  const model = parseConfig({ pretrained: folder }, modelSectionSchema, folder);
  const plain = { ...model, residual: residualSchema.parse({}) };
  const titles = new Set(variantNames.map((name) => residualTitle(residualSchema.parse(name))));
  const own = titles.has(residualTitle(model.residual)) ? [] : [model.residual];
  const study = profiledSchema.parse({
    model: { ...plain, pretrained: undefined },
    variants: [...variantNames, ...own],
  });
  return profileOf(folder, study, options);
}

function profileOf(name: string, study: Profiled, options: ResidualProfileOptions): ResidualProfile {
  const { data, train } = study;
  const { pretrained: _pretrained, ...model } = study.model;
  const vocabSize = model.vocabSize ?? options.vocabSize ?? (data && vocabSizeOf(data));
  if (vocabSize === undefined)
    throw new ArgumentError(`The tokenizer of ${name} tells no vocabulary's size: give it with --vocab-size.`);
  const { length: time = data?.blockSize ?? model.maxPositionEmbeddings, batchSize: batch = train.batchSize } = options;
  const cost: CostOptions = { time, batch, precision: train.precision };
  const variants = study.variants.map((override, index) => {
    const residual = parseConfig({ ...model.residual, ...override }, residualSchema, `variants.${index}`);
    const config = { ...model, vocabSize, residual };
    return { title: residualTitle(residual), config, cost: modelCost(config, cost) };
  });
  return { name, time, batch, precision: train.precision, vocabSize, variants };
}

function vocabSizeOf({ tokenizer }: DataConfig): number | undefined {
  if (tokenizer === 'bytes') return 256;
  return typeof tokenizer === 'string' ? undefined : tokenizer.bpe;
}

/** `1.23 M`, `45.6 G`: three figures. */
function scaled(value: number): string {
  if (value === 0) return '0';
  const units = ['', 'k', 'M', 'G', 'T', 'P', 'E'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  return `${(value / 1000 ** power).toPrecision(3)} ${units[power]}`.trim();
}

/** `512 B`, `3.50 kB`, `1.25 GB`, of 1000. */
const bytes = (value: number) => `${scaled(value)}${value < 1000 ? ' B' : 'B'}`;

/** The table and what its columns mean. */
export function residualProfileText({ name, time, batch, precision, vocabSize, variants }: ResidualProfile): string {
  const first = (variants.find(({ config }) => config.residual.site === 'none') ?? variants[0]!).cost;
  const of = (title: string, cell: (cost: ModelCost) => string): Column<{ title: string; cost: ModelCost }> => ({
    title,
    cell: ({ cost }) => cell(cost),
  });
  const columns: Column<{ title: string; cost: ModelCost }>[] = [
    { title: 'Variant', cell: ({ title }) => title },
    of('Parameters', ({ parameters }) => whole(parameters)),
    of('Pairs', ({ recomputedPairs }) => String(recomputedPairs)),
    of('FLOPs/token', ({ flopsPerToken }) => scaled(flopsPerToken.causal.total)),
    of('', ({ flopsPerToken: { causal } }) => ratio(causal.total / first.flopsPerToken.causal.total)),
    of('dense', ({ flopsPerToken: { dense } }) => ratio(dense.total / first.flopsPerToken.dense.total)),
    of('FLOPs/step', ({ flopsPerStep }) => scaled(flopsPerStep)),
    of('Cache/token', ({ cachePerToken }) => bytes(cachePerToken.bytes)),
    of('', ({ cachePerToken }) => ratio(cachePerToken.elements / first.cachePerToken.elements)),
    of('Probabilities', ({ memory }) => bytes(memory.probabilities.training)),
    of('Training', ({ memory }) => bytes(totalOf(memory.training))),
    of('Evaluation', ({ memory }) => bytes(totalOf(memory.evaluation))),
  ];
  const { config } = variants[0]!;
  const sizes =
    `${config.numHiddenLayers} layers of ${config.hiddenSize}, ff ${config.intermediateSize}, ` +
    `${config.numAttentionHeads}/${config.numKeyValueHeads} heads, vocabulary ${vocabSize}; ` +
    `batches of ${batch} x ${time} tokens, ${precision}`;
  return [
    `${name}: ${sizes}`,
    '',
    textTable(columns, variants),
    '',
    'Pairs        layers run again for later ones',
    'FLOPs        matrix products, a multiply-add as two; the half of attention that causality forbids is skipped (`dense`: it is not). Step: 3 x forward',
    'Cache        of decoding, for each token seen: keys, values, and values of each pair',
    'Memory       of tensors at the peak, estimated: kept probabilities; a training step with weights, gradients and AdamW; an evaluation.',
    '             `torchwright plan` adds what the process needs, and tells the parts',
  ].join('\n');
}

/** One object for one study or folder, a list for several. */
export function residualProfileJson(profiles: ResidualProfile[]): string {
  const plain = profiles.map(({ variants, ...profile }) => ({
    ...profile,
    variants: variants.map(({ title, config, cost }) => ({ title, residual: config.residual, ...cost })),
  }));
  return JSON.stringify(plain.length === 1 ? plain[0] : plain, null, 2);
}
