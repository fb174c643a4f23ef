/** One YAML file, one study: what is trained, on what, how, and which variants are compared. The rooms' own schemas, put together. */
import fs from 'node:fs';
import path from 'node:path';

import { z } from 'zod';

import { loadConfig, parseConfig } from '../config';
import { dataSchema } from '../data';
import { ArgumentError, ConfigError } from '../errors';
import {
  modelSectionSchema,
  residualOverrideSchema,
  residualSchema,
  residualTitle,
  variantNames,
  type ResidualConfig,
} from '../residual';
import { seedSchema, trainSectionSchema } from '../train';

const shape = {
  /** Names the run's folder. */
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must be letters, digits, ".", "_" or "-", and not begin with a sign'),
  /** Seeds the initial weights, the order of the blocks, and all else that is drawn. */
  seed: seedSchema.default(42),
  device: z
    .string()
    .regex(/^(cpu|cuda(:\d+)?)$/, 'must be "cpu", "cuda" or "cuda:N"')
    .default('cpu'),
  model: modelSectionSchema,
  /** What `compare` trains: names (`baseline`, `'3.2'`) or the switches in which each differs from `model.residual`. Default: all seven. */
  variants: z
    .array(residualOverrideSchema)
    .min(1)
    .prefault([...variantNames]),
  data: dataSchema,
  train: trainSectionSchema.prefault({}),
  /** Folder in which a run's own folder is made. */
  output: z.string().min(1).default('runs'),
};

/** The `study.yaml` schema. */
export const studySchema = z.strictObject(shape).superRefine((study, context) => {
  const seen = new Map<string, number>();
  study.variants.forEach((override, index) => {
    const merged = residualSchema.safeParse({ ...study.model.residual, ...override });
    if (!merged.success) {
      for (const { message, path: inner } of merged.error.issues) {
        context.addIssue({ code: 'custom', path: ['variants', index, ...inner], message, input: override });
      }
      return;
    }
    const title = residualTitle(merged.data);
    const first = seen.get(title);
    if (first === undefined) seen.set(title, index);
    else
      context.addIssue({
        code: 'custom',
        path: ['variants', index],
        message: `is ${title} again, as variants.${first}`,
        input: override,
      });
  });
});

/** The resolved configuration of a study. */
export type StudyConfig = z.output<typeof studySchema>;
/** What a user writes. */
export type StudyInput = z.input<typeof studySchema>;

/** One variant of a study, ready to be trained. */
export interface StudyVariant {
  /** `Method 3.2`, with the switches that differ from the defaults. */
  title: string;
  /** The title as a folder's name: `method-3.2`. */
  slug: string;
  residual: ResidualConfig;
}

export function studyVariant(residual: ResidualConfig): StudyVariant {
  const title = residualTitle(residual);
  const slug = title
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/-$/, '');
  return { title, slug, residual };
}

/** The variants a study compares, in its order. */
export function studyVariants(study: StudyConfig): StudyVariant[] {
  return study.variants.map((override) => studyVariant(residualSchema.parse({ ...study.model.residual, ...override })));
}

const shippedFolder = path.join(__dirname, 'configs');

/** Names of the studies that come with the package. */
export function shippedStudies(): string[] {
  return fs
    .readdirSync(shippedFolder)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => path.basename(file, '.yaml'))
    .sort();
}

/** The file of a study: a path, or the name of a shipped one. @throws ConfigError when it is neither */
export function findStudy(nameOrFile: string): string {
  if (fs.statSync(nameOrFile, { throwIfNoEntry: false })?.isFile()) return nameOrFile;
  if (shippedStudies().includes(nameOrFile)) return path.join(shippedFolder, `${nameOrFile}.yaml`);
  throw new ConfigError(
    `There is no study ${nameOrFile}: no such file, and the shipped studies are ${shippedStudies().join(', ')}.`,
  );
}

/**
 * A study from a file, a shipped study's name, or an object.
 *
 * @param overrides - `a.b.c=value`, for files
 * @throws ConfigError with all problems at once, each with its position
 */
export function readStudy(source: string | StudyInput, overrides: string[] = []): StudyConfig {
  if (typeof source === 'string') return loadConfig(findStudy(source), studySchema, { overrides });
  if (overrides.length > 0) throw new ArgumentError('Overrides are for files; change the object instead.');
  return parseConfig(source, studySchema, 'study');
}
