/** A file to begin a study with. */
import fs from 'node:fs';
import path from 'node:path';

import { stringify } from 'yaml';

import { ArgumentError } from '../errors';
import { writeFileAtomically } from '../files';
import { header } from './shared/header';

export const studyTasks = ['residual', 'translation', 'language-model'] as const;
export type StudyTask = (typeof studyTasks)[number];

const packageRoot = path.resolve(__dirname, '../..');
const schemaInPackage = 'dist/schemas/study.json';

/**
 * Writes a study that runs as it is, with comments that tell every key.
 *
 * @param options - `force` replaces a file that is there
 * @throws ArgumentError when the file is there, or is not named as YAML
 */
export async function initStudy(file: string, task: StudyTask, { force = false } = {}): Promise<void> {
  if (!/\.ya?ml$/i.test(file)) throw new ArgumentError(`${file} must be a YAML file: let its name end in .yaml.`);
  if (!force && fs.existsSync(file))
    throw new ArgumentError(`${file} is there already; give another name, or --force to replace it.`);
  const template = fs.readFileSync(path.join(__dirname, 'templates', `${task}.yaml`), 'utf8');
  const values: Record<string, string> = { SCHEMA: schemaFor(file), NAME: nameOf(file), FILE: file };
  await writeFileAtomically(
    file,
    template.replace(/\b(SCHEMA|NAME|FILE)\b/g, (word) => values[word]!),
  );
}

/** The study's name: that of its file, where it can be one. */
function nameOf(file: string): string {
  const name = path.basename(file).replace(/\.ya?ml$/i, '');
  return header.name.safeParse(name).success ? stringify(name).trim() : 'study';
}

/** The schema as an editor finds it from the file: in the project's own copy of this package, else in this one. */
function schemaFor(file: string): string {
  const folder = path.resolve(path.dirname(file));
  for (let above = folder; ; above = path.dirname(above)) {
    const installed = path.join(above, 'node_modules/torchwright', schemaInPackage);
    if (fs.existsSync(installed)) return path.relative(folder, installed).replaceAll(path.sep, '/');
    if (above === path.dirname(above)) return path.join(packageRoot, schemaInPackage);
  }
}
