/** The studies that come with the package. */
import fs from 'node:fs';
import path from 'node:path';

import type { z } from 'zod';

import { loadConfig } from '../config';
import { ConfigError } from '../errors';

const folder = path.join(__dirname, 'configs');

/** Their names: `demo`, `recipes/wmt14-en-de`. */
export function shippedStudies(): string[] {
  return fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length).replaceAll(path.sep, '/'))
    .sort();
}

/** Reads a study's file, which may extend shipped ones. @throws ConfigError with all problems */
export function loadStudyFile<S extends z.ZodType>(
  file: string,
  choose: S | ((value: unknown) => S),
  overrides: readonly string[] = [],
): z.output<S> {
  return loadConfig(file, choose, { overrides, named: shippedFile });
}

/** The file of a shipped study; undefined where there is none of that name. */
export function shippedFile(name: string): string | undefined {
  return shippedStudies().includes(name) ? path.join(folder, `${name}.yaml`) : undefined;
}

/** The file of a study: a path, or the name of a shipped one. @throws ConfigError when it is neither */
export function findStudy(nameOrFile: string): string {
  if (fs.statSync(nameOrFile, { throwIfNoEntry: false })?.isFile()) return nameOrFile;
  const shipped = shippedFile(nameOrFile);
  if (shipped !== undefined) return shipped;
  throw new ConfigError(
    `There is no study ${nameOrFile}: no such file, and the shipped studies are ${shippedStudies().join(', ')}.`,
  );
}
