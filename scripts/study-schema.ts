/** The JSON Schema of a study's file, for editors, out of the zod schemas that check it. */
import { z } from 'zod';

import { architectureNames, languageModelSchema, translationModelSchema } from '../lib/delight/config';
import { namedArchitecture } from '../lib/delight/architectures';
import { residualOverrideSchema, residualSchema } from '../lib/residual/config';
import { modelSectionSchema } from '../lib/residual/section';
import { variantNames } from '../lib/residual/variant';
import { languageModelStudySchema } from '../lib/study/language-model/config';
import { studySchema } from '../lib/study/residual/config';
import { sweepSchema } from '../lib/study/sweep/section';
import { translationStudySchema } from '../lib/study/translation/config';

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** What a zod schema takes before it is one of these: the name of a variant, or of an architecture. */
const names = new Map<unknown, (schema: JsonSchema) => JsonSchema>([
  [residualSchema, orVariantName],
  [residualOverrideSchema, orVariantName],
  [modelSectionSchema, withSizesOrPretrained],
  [translationModelSchema, (schema) => orArchitecture(schema, 'translation')],
  [languageModelSchema, (schema) => orArchitecture(schema, 'language')],
]);

function orVariantName(schema: JsonSchema): JsonSchema {
  const aliases = '^\\s*(([Mm]ethod|m)?[ _-]?[1-4]([.-][12])?(-v3)?|baseline|llama|none)\\s*$';
  const numbers = variantNames.map(Number).filter((name) => !Number.isNaN(name));
  return { anyOf: [{ enum: [...variantNames, ...numbers] }, { type: 'string', pattern: aliases }, schema] };
}

/** Sizes are needed unless a pretrained model brings them. */
function withSizesOrPretrained(schema: JsonSchema): JsonSchema {
  const sizes = ['hiddenSize', 'numHiddenLayers', 'numAttentionHeads'];
  return { ...schema, anyOf: [{ required: ['pretrained'] }, { required: sizes }] };
}

function orArchitecture(schema: JsonSchema, task: 'translation' | 'language'): JsonSchema {
  const named = architectureNames().filter((name) => namedArchitecture(name).task === task);
  const kinds = schema.oneOf ?? schema.anyOf ?? [];
  const completed = kinds.map((kind) => ({
    ...(optional(kind) as JsonSchema),
    properties: { architecture: { enum: named }, ...(optional(kind.properties) as JsonSchema['properties']) },
  }));
  return { if: { required: ['architecture'] }, then: { anyOf: completed }, else: schema };
}

/** The same schema, with nothing required at any depth, which another file may bring; so that several alternatives may fit. */
function optional(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(optional);
  if (typeof schema !== 'object' || schema === null) return schema;
  const entries = Object.entries(schema).filter(([key, value]) => !(key === 'required' && Array.isArray(value)));
  const nameOf = (key: string) => (key === 'oneOf' ? 'anyOf' : key);
  return Object.fromEntries(entries.map(([key, value]) => [nameOf(key), key === 'if' ? value : optional(value)]));
}

type Properties = NonNullable<JsonSchema['properties']>;

const forEditors = (): Properties => ({
  $schema: { type: 'string', description: 'This schema, for editors.' },
  sweep: {
    ...schemaOf(sweepSchema),
    description:
      'For `torchwright sweep`: keys such as train.learningRate with their values; every combination of the grid, and the sections of the list.',
  },
});
const path: JsonSchema = { type: 'string', minLength: 1 };
const standsOn = (): Properties => ({
  ...forEditors(),
  extends: {
    description:
      'Files relative to this one, or shipped studies, that this study stands on; later ones above earlier ones.',
    anyOf: [path, { type: 'array', items: path }],
  },
});

function schemaOf(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
    override: ({ zodSchema, jsonSchema }) => {
      const orName = names.get(zodSchema);
      if (!orName) return;
      const named = orName({ ...jsonSchema });
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
      Object.assign(jsonSchema, named);
    },
  }) as JsonSchema;
  return json;
}

const withProperties = (schema: JsonSchema, properties: Properties): JsonSchema => ({
  ...schema,
  properties: { ...properties, ...schema.properties },
});

export const tasks = ['residual', 'translation', 'language-model'] as const;
export type Task = (typeof tasks)[number];

/**
 * One schema for studies of every kind. A study without `task` is of residual variants; one that extends others may leave out anything.
 *
 * @param describe - adds descriptions to the schema of one kind
 */
export function studyJsonSchema(describe: (schema: JsonSchema, task: Task) => void = () => {}): JsonSchema {
  const whole: Record<Task, JsonSchema> = {
    residual: schemaOf(studySchema),
    translation: schemaOf(translationStudySchema),
    'language-model': schemaOf(languageModelStudySchema),
  };
  for (const task of tasks) describe(whole[task], task);
  const definitions: Record<string, JsonSchema> = {};
  for (const task of tasks) {
    definitions[task] = withProperties(whole[task], forEditors());
    definitions[`${task}-part`] = withProperties(optional(whole[task]) as JsonSchema, standsOn());
  }
  const of = (name: string): JsonSchema => ({ $ref: `#/definitions/${name}` });
  const isTask = (task: Task): JsonSchema => ({ properties: { task: { const: task } }, required: ['task'] });
  const byTask = (suffix: string, otherwise: JsonSchema): JsonSchema => ({
    if: isTask('translation'),
    then: of(`translation${suffix}`),
    else: { if: isTask('language-model'), then: of(`language-model${suffix}`), else: otherwise },
  });
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'A study of Torchwright',
    type: 'object',
    properties: { task: { enum: ['translation', 'language-model'] } },
    if: { required: ['extends'] },
    then: byTask('-part', { anyOf: tasks.map((task) => of(`${task}-part`)) }),
    else: byTask('', of('residual')),
    definitions,
  };
}
