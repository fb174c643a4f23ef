/** What is kept of a run for comparisons and reports: one small file in its folder, written however the run ended. */
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { z } from 'zod';

import { parseConfig } from '../../config';
import { DataError, NonFiniteError } from '../../errors';
import { writeFileAtomically } from '../../files';
import { measured, metrics, textSample, type TextSample } from '../../metrics/history/records';
import { native } from '../../native';
import { version } from '../../version';
import { watchPeakMemory } from './peak-memory';

export const recordName = 'run.json';

const outcomeShape = {
  train: metrics,
  /** Of the reported model, on the validation or test data. */
  scores: metrics,
  /** Step of the reported model. */
  step: z.number(),
  /** Tokens learned to predict, for each second of the training. */
  tokensPerSecond: measured,
  best: z.object({ step: z.number(), loss: z.number() }).nullable(),
  samples: z.array(textSample),
};

const recordSchema = z.object({
  task: z.enum(['residual', 'translation', 'language-model']),
  study: z.string(),
  title: z.string(),
  seed: z.number(),
  device: z.string(),
  parameters: z.number(),
  /** FLOPs of a token for residual variants, MACs for the others. */
  cost: z.number(),
  /** The data, in a few words. */
  data: z.string(),
  /** How scores were taken, where it needs words. */
  scoring: z.string().nullable(),
  /** Null where training diverged. */
  outcome: z.object(outcomeShape).nullable(),
  error: z.string().nullable(),
  /** When it began, by ISO 8601. */
  began: z.string(),
  /** Wall seconds in all. */
  seconds: z.number(),
  /** Most bytes of resident memory that the process held meanwhile; null where the system does not tell. */
  peakMemory: z.number().nullable(),
  versions: z.record(z.string(), z.string()),
  machine: z.string(),
});

export type RunRecord = z.output<typeof recordSchema>;
export type RunSample = TextSample;
/** What a training has come to. */
export type RunOutcome = NonNullable<RunRecord['outcome']>;
/** What is known before it begins. */
export type RunFacts = Omit<
  RunRecord,
  'outcome' | 'error' | 'began' | 'seconds' | 'peakMemory' | 'versions' | 'machine'
>;

/** A record, and the folder that it is about. */
export interface SavedRun extends RunRecord {
  folder: string;
}

/**
 * Does the work of a run and writes its record, also when the training diverges, which is no reason to stop a comparison.
 * @throws whatever else the work throws; then there is no record
 */
export async function recordRun(
  folder: string,
  facts: RunFacts,
  work: () => Promise<RunOutcome>,
): Promise<{ run: SavedRun; diverged: NonFiniteError | null }> {
  const peakMemory = watchPeakMemory();
  const began = new Date();
  const start = performance.now();
  let outcome: RunOutcome | null = null;
  let diverged: NonFiniteError | null = null;
  try {
    outcome = await work();
  } catch (error) {
    if (!(error instanceof NonFiniteError)) throw error;
    diverged = error;
  }
  const record: RunRecord = {
    ...facts,
    outcome,
    error: diverged?.message ?? null,
    began: began.toISOString(),
    seconds: (performance.now() - start) / 1000,
    peakMemory: peakMemory(),
    ...circumstances(),
  };
  await writeFileAtomically(path.join(folder, recordName), `${JSON.stringify(record, null, 2)}\n`);
  return { run: { ...record, folder }, diverged };
}

/** What every run here and now is made with. */
export const circumstances = (): Pick<RunRecord, 'versions' | 'machine'> => ({
  versions: { torchwright: version, libtorch: native.versions().loaded, node: process.versions.node },
  machine: `${os.cpus()[0]?.model.trim() ?? os.arch()}, ${os.availableParallelism()} cores, ${os.type()} ${os.arch()}`,
});

/** The record in a run's folder. @throws DataError when it is missing or damaged */
export async function readRecord(folder: string): Promise<SavedRun> {
  const file = path.join(folder, recordName);
  let value: unknown;
  try {
    value = JSON.parse(await fs.readFile(file, 'utf8'));
  } catch (cause) {
    throw new DataError(`${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
  try {
    return { ...parseConfig(value, recordSchema, file), folder };
  } catch (cause) {
    throw new DataError(`${file} is not the record of a run: ${(cause as Error).message}`, { cause });
  }
}
