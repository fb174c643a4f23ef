/**
 * Writes dist/schemas/study.json, by which editors complete and check studies. Part of the build; needs the addon not.
 *
 *     node -r ./scripts/register.cjs scripts/generate-schemas.ts
 */
import fs from 'node:fs';
import path from 'node:path';

import { Types } from './doc-comments';
import { studyJsonSchema, type Task } from './study-schema';

const file = path.resolve(__dirname, '../dist/schemas/study.json');

/** What users write, with the doc comments of the keys. */
const inputs: Record<Task, [file: string, type: string]> = {
  residual: ['lib/study/residual/config.ts', 'StudyInput'],
  translation: ['lib/study/translation/config.ts', 'TranslationStudyInput'],
  'language-model': ['lib/study/language-model/config.ts', 'LanguageModelStudyInput'],
};

const types = new Types(Object.values(inputs).map(([source]) => source));
const schema = studyJsonSchema((part, task) => types.describe(part, types.type(...inputs[task])));
fs.mkdirSync(path.dirname(file), { recursive: true });
fs.writeFileSync(file, `${JSON.stringify(schema, null, 2)}\n`);
