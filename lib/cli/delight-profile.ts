/** What `profile` does with named architectures and with studies of translation and language models: what each model costs. */
import { z } from 'zod';

import { pairDataSchema, type PairDataConfig } from '../data/pairs/schema';
import { dataSchema, type DataConfig } from '../data/schema';
import {
  architecture,
  architectureNames,
  languageModelConfig,
  languageModelSchema,
  translationModelConfig,
  translationModelSchema,
  type ModelConfig,
} from '../delight/config';
import { modelCost, type BlockCost, type Lengths, type ModelCost } from '../delight/cost';
import { ArgumentError, ConfigError } from '../errors';
import { findStudy, loadStudyFile, shippedStudies } from '../study/shipped';
import { ratio, textTable, whole, type Column } from '../study/shared/table';
import { nearest } from '../tensor/nearest';

export interface Subject {
  name: string;
  config: ModelConfig;
}

interface Asked {
  list?: boolean;
  /** For studies whose data do not tell. */
  vocabSize?: number;
}

/**
 * The models that arguments name: architectures, and every model of a study.
 *
 * @throws ArgumentError, ConfigError with the nearest name for unknown ones
 */
export function readSubjects(args: string[], { list, vocabSize }: Asked): Subject[] {
  const names = args.filter((arg) => !arg.includes('='));
  const overrides = args.filter((arg) => arg.includes('='));
  if (list) names.push(...architectureNames());
  if (names.length === 0)
    throw new ArgumentError('Give the names of architectures (--list prints them) or of studies.');
  const known = new Set(architectureNames());
  const studies = names.filter((name) => !known.has(name)).map((name) => [name, study(name)] as const);
  if (overrides.length > 0 && studies.length === 0)
    throw new ArgumentError(`${overrides[0]} changes a study, and none is named.`);
  if (vocabSize !== undefined && studies.length === 0)
    throw new ArgumentError(
      '--vocab-size is for studies; named architectures have the vocabularies of their data sets.',
    );
  const files = new Map(studies);
  const title = (source: string, model: string) => (names.length > 1 ? `${source} ${model}` : model);
  return names.flatMap((name) => {
    const file = files.get(name);
    if (file === undefined) return [{ name, config: architecture(name) }];
    const models = studyModels(file, overrides, vocabSize);
    return models.map((model) => ({ ...model, name: title(name, model.name) }));
  });
}

/** The file of a study. @throws ConfigError with the nearest of all names */
function study(name: string): string {
  try {
    return findStudy(name);
  } catch (error) {
    const similar = nearest(name, [...architectureNames(), ...shippedStudies()]);
    const advice = similar === undefined ? '--list prints the architectures' : `did you mean ${similar}?`;
    throw new ConfigError(`There is no architecture and no study ${name}: ${advice}`, { cause: error });
  }
}

/** Of a study, what sizes depend on. */
const profiledSchema = z.discriminatedUnion('task', [
  z.looseObject({
    task: z.literal('translation'),
    data: pairDataSchema,
    models: z.record(z.string(), translationModelSchema),
  }),
  z.looseObject({
    task: z.literal('language-model'),
    data: dataSchema,
    models: z.record(z.string(), languageModelSchema),
  }),
]);

function studyModels(file: string, overrides: string[], vocabSize: number | undefined): Subject[] {
  const read = loadStudyFile(file, profiledSchema, overrides);
  if (read.task === 'translation') {
    const size = vocabSize ?? pairVocabSize(read.data);
    return Object.entries(read.models).map(([name, { sourceVocabSize = size, targetVocabSize = size, ...keys }]) => ({
      name,
      config: translationModelConfig({ ...keys, sourceVocabSize, targetVocabSize }, `models.${name}`),
    }));
  }
  const fromData = vocabSize ?? textVocabSize(read.data);
  return Object.entries(read.models).map(([name, keys]) => {
    const size = keys.vocabSize ?? fromData;
    if (size === undefined)
      throw new ArgumentError(`The tokenizer of ${file} tells no vocabulary's size: give it with --vocab-size.`);
    return { name, config: languageModelConfig({ ...keys, vocabSize: size }, `models.${name}`) };
  });
}

/** As many entries as the data are asked for; a small text may give fewer. */
function pairVocabSize({ vocabulary: { bpe, multipleOf } }: PairDataConfig): number {
  return Math.ceil(bpe / multipleOf) * multipleOf;
}

function textVocabSize({ tokenizer }: DataConfig): number | undefined {
  if (tokenizer === 'bytes') return 256;
  return typeof tokenizer === 'string' ? undefined : tokenizer.bpe;
}

/** One model block by block, or several side by side; `related`: to the first. */
export function profileText(subjects: Subject[], lengths: Lengths, related = true): string {
  const costs = subjects.map(({ name, config }) => ({ name, config, cost: modelCost(config, lengths) }));
  const [only, ...others] = costs;
  return others.length === 0 ? modelText(only!.name, only!.config, only!.cost) : comparisonText(costs, related);
}

const blockColumns: Column<BlockCost>[] = [
  { title: 'Block', cell: ({ name }) => name },
  { title: 'Depth', cell: ({ depth }) => (depth === null ? '' : String(depth)) },
  { title: 'Width x', cell: ({ widthMultiplier }) => (widthMultiplier === null ? '' : String(widthMultiplier)) },
  { title: 'Groups', cell: ({ layers }) => layers.map(({ groups }) => groups).join(' ') },
  { title: 'Widths', cell: ({ layers }) => layers.map(({ outFeatures }) => outFeatures).join(' ') },
  { title: 'Parameters', cell: ({ parameters }) => whole(parameters) },
  { title: 'MACs', cell: ({ macs }) => whole(macs) },
];

function modelText(name: string, config: ModelConfig, { blocks, total, lengths }: ModelCost): string {
  const { source, target } = lengths;
  const texts = 'encoder' in config ? `${source} tokens translated into ${target}` : `a text of ${target} tokens`;
  return [
    `${name}: ${config.type}, hiddenSize ${config.hiddenSize}`,
    '',
    textTable(blockColumns, blocks),
    '',
    `Parameters     ${whole(total.parameters)} (${(total.parameters / 1e6).toFixed(2)} M), ${whole(total.tableParameters)} of them in look-up tables`,
    `MACs           ${whole(total.macs)} (${(total.macs / 1e9).toFixed(3)} G): ${texts}, the decoder for every length, without caches`,
    `Training MACs  ${whole(total.passMacs)} (${(total.passMacs / 1e9).toFixed(3)} G): one pass over the same`,
  ].join('\n');
}

interface ComparedCost {
  name: string;
  config: ModelConfig;
  cost: ModelCost;
}

/** Each model in a line. */
function comparisonText(models: ComparedCost[], related: boolean): string {
  const first = models[0]!.cost.total;
  const blocks = ({ cost }: ComparedCost, stack: string) =>
    cost.blocks.filter((block) => new RegExp(`^${stack}\\.\\d+$`).test(block.name)).length;
  const toFirst = (key: 'parameters' | 'macs' | 'passMacs'): Column<ComparedCost>[] =>
    related ? [{ title: '', cell: ({ cost }) => ratio(cost.total[key] / first[key]) }] : [];
  const columns: Column<ComparedCost>[] = [
    { title: 'Model', cell: ({ name }) => name },
    { title: 'Width', cell: ({ config }) => String(config.hiddenSize) },
    {
      title: 'Blocks',
      cell: (model) => [blocks(model, 'encoder'), blocks(model, 'decoder')].filter(Boolean).join('+'),
    },
    { title: 'Parameters', cell: ({ cost }) => whole(cost.total.parameters) },
    ...toFirst('parameters'),
    { title: 'Tables', cell: ({ cost }) => whole(cost.total.tableParameters) },
    { title: 'MACs', cell: ({ cost }) => whole(cost.total.macs) },
    ...toFirst('macs'),
    { title: 'Training MACs', cell: ({ cost }) => whole(cost.total.passMacs) },
    ...toFirst('passMacs'),
  ];
  return textTable(columns, models);
}

/** One object for one model, a list for several. */
export function profileJson(subjects: Subject[], lengths: Lengths): string {
  const profiles = subjects.map(({ name, config }) => ({ name, type: config.type, ...modelCost(config, lengths) }));
  return JSON.stringify(profiles.length === 1 ? profiles[0] : profiles, null, 2);
}
