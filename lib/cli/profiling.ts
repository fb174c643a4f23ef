/** What `profile` does: finds what it is asked for, and prints what it costs. */
import fs from 'node:fs';
import path from 'node:path';

import { z } from 'zod';

import { ArgumentError } from '../errors';
import { findStudy, loadStudyFile } from '../study/shipped';
import { profileJson, profileText, readSubjects } from './delight-profile';
import {
  profileFolder,
  profileStudy,
  residualProfileJson,
  residualProfileText,
  type ResidualProfile,
} from './residual-profile';

export interface ProfileOptions {
  sourceLength?: number;
  targetLength?: number;
  batchSize?: number;
  vocabSize?: number;
  list?: boolean;
  json?: boolean;
}

/** Tokens of a sentence and of its translation, where nothing else is said. */
const usualLength = 20;

/** The profile of what `args` name, as a reader or a program wants it. @throws ArgumentError, ConfigError */
export function profile(args: string[], options: ProfileOptions): string {
  const names = args.filter((arg) => !arg.includes('='));
  const overrides = args.filter((arg) => arg.includes('='));
  const residual = names.flatMap((name) => residualProfile(name, overrides, options) ?? []);
  if (residual.length === 0) {
    if (options.batchSize !== undefined)
      throw new ArgumentError(
        '--batch-size is for residual studies and model folders; other costs are of one sentence.',
      );
    const lengths = {
      source: options.sourceLength ?? usualLength,
      target: options.targetLength ?? usualLength,
    };
    const subjects = readSubjects(args, options);
    return options.json ? profileJson(subjects, lengths) : profileText(subjects, lengths, !options.list);
  }
  if (residual.length < names.length || options.list)
    throw new ArgumentError(
      'Residual studies and other models have different tables: profile them one after the other.',
    );
  if (options.sourceLength !== undefined)
    throw new ArgumentError('A decoder of text has no source: give its length with --target-length.');
  return options.json ? residualProfileJson(residual) : residual.map(residualProfileText).join('\n\n');
}

/** Of a study without `task`, or of a folder that holds one or a decoder; undefined for all else. */
function residualProfile(
  name: string,
  overrides: string[],
  { vocabSize, targetLength: length, batchSize }: ProfileOptions,
): ResidualProfile | undefined {
  const options = { vocabSize, length, batchSize };
  const has = (file: string) => fs.existsSync(path.join(name, file));
  if (has('config.json')) {
    if (overrides.length > 0)
      throw new ArgumentError(`${overrides[0]} changes a study, and ${name} is a model's folder.`);
    return profileFolder(name, options);
  }
  const file = has('study.yaml') ? path.join(name, 'study.yaml') : studyFile(name);
  return file !== undefined && taskOf(file) === undefined
    ? profileStudy({ name, file }, overrides, options)
    : undefined;
}

function studyFile(name: string): string | undefined {
  try {
    return findStudy(name);
  } catch {
    return undefined; // an architecture, or a mistake, which is told where architectures are looked up
  }
}

const taskOf = (file: string) => loadStudyFile(file, z.looseObject({ task: z.unknown().optional() })).task;
