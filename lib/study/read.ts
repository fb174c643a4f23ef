/** One file, one study. What kind of study it is, its `task` says; without one it is the residual study. */
import { z } from 'zod';

import { parseConfig } from '../config';
import { ArgumentError } from '../errors';
import {
  languageModelStudySchema,
  type LanguageModelStudyConfig,
  type LanguageModelStudyInput,
} from './language-model/config';
import { studySchema, type StudyConfig, type StudyInput } from './residual/config';
import { findStudy, loadStudyFile } from './shipped';
import { translationStudySchema, type TranslationStudyConfig, type TranslationStudyInput } from './translation/config';

/** The resolved configuration of a study of any kind. */
export type AnyStudyConfig = StudyConfig | TranslationStudyConfig | LanguageModelStudyConfig;
/** What a user writes. */
export type AnyStudyInput = StudyInput | TranslationStudyInput | LanguageModelStudyInput;

const tasks = { translation: translationStudySchema, 'language-model': languageModelStudySchema };
const unknownTask = z.looseObject({ task: z.enum(['translation', 'language-model']) }).transform(() => z.NEVER);

const sweepElsewhere = z
  .looseObject({
    sweep: z.custom<never>(
      () => false,
      'is for `torchwright sweep` and runSweep; everything else takes a study without it',
    ),
  })
  .transform(() => z.NEVER);

/** The schema of the kind of study that a value is meant to be. */
export function schemaOfStudy(value: unknown): z.ZodType<AnyStudyConfig> {
  const { task, sweep } = (value ?? {}) as { task?: unknown; sweep?: unknown };
  if (sweep !== undefined) return sweepElsewhere;
  if (task === undefined) return studySchema;
  return task === 'translation' || task === 'language-model' ? tasks[task] : unknownTask;
}

/**
 * A study from a file (YAML, JSON, JavaScript or TypeScript), a shipped study's name, or an object. A file may stand on others, or on shipped
 * studies: `extends: demo`.
 *
 * @param overrides - `a.b.c=value`, for files
 * @throws ConfigError with all problems at once, each with its position
 */
export function readStudy(source: StudyInput, overrides?: string[]): StudyConfig;
export function readStudy(source: string | AnyStudyInput, overrides?: string[]): AnyStudyConfig;
export function readStudy(source: string | AnyStudyInput, overrides: string[] = []): AnyStudyConfig {
  if (typeof source === 'string') return loadStudyFile(findStudy(source), schemaOfStudy, overrides);
  if (overrides.length > 0) throw new ArgumentError('Overrides are for files; change the object instead.');
  return parseConfig(source, schemaOfStudy(source), 'study');
}
