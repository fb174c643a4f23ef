/** Several trainings of the same thing that differ in their seed only. */
import { z } from 'zod';

import { spreadOf, type Spread } from '../../metrics';
import { seedSchema } from '../../train/config';
import type { BaseRow } from './row';

/** Either how many, beginning with the study's own seed, or which. */
export const seedsSchema = z.union([
  z.int().positive().max(1000),
  z
    .array(seedSchema)
    .min(1)
    .refine((seeds) => new Set(seeds).size === seeds.length, 'the same seed twice would give the same run twice'),
]);

/** The seeds that a comparison trains with. */
export function seedsOf({ seed, seeds = 1 }: { seed: number; seeds?: number | number[] | undefined }): number[] {
  return typeof seeds === 'number' ? Array.from({ length: seeds }, (_, index) => seed + index) : seeds;
}

/** The mean of rows that differ in their seed; a single one as it is. Runs that have failed do not count. */
export function meanRow<Row extends BaseRow>(rows: readonly Row[]): Row {
  const [first] = rows;
  if (rows.length === 1) return first!;
  const mean = { ...first!, seed: null } as unknown as Record<string, unknown>;
  const spread: Record<string, Spread> = {};
  for (const key of Object.keys(first!)) {
    if (key === 'seed' || !rows.some((row) => typeof fieldOf(row, key) === 'number')) continue;
    const values = rows.map((row) => fieldOf(row, key)).filter((value) => typeof value === 'number');
    spread[key] = spreadOf(values);
    mean[key] = spread[key].mean;
  }
  const failed = rows.filter(({ error }) => error !== null);
  mean.error = failed.length === 0 ? null : failed.map(({ seed, error }) => `seed ${seed}: ${error}`).join(' ');
  return { ...(mean as unknown as Row), spread };
}

const fieldOf = (row: object, key: string): unknown => (row as Record<string, unknown>)[key];
