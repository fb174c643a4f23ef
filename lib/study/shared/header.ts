/** The keys that every study has, whatever it trains. */
import { z } from 'zod';

import { seedSchema } from '../../train/config';
import { seedsSchema } from './seeds';

export const header = {
  /** Names the run's folder. */
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must be letters, digits, ".", "_" or "-", and not begin with a sign'),
  /** Seeds the initial weights, the order of the training data, and all else that is drawn. */
  seed: seedSchema.default(42),
  /** What `compare` repeats everything with: how many seeds, from `seed` on, or a list of them. Default: `seed` alone. */
  seeds: seedsSchema.optional(),
  device: z
    .string()
    .regex(/^(cpu|cuda(:\d+)?)$/, 'must be "cpu", "cuda" or "cuda:N"')
    .default('cpu'),
  /** What the models make of some validation data after each evaluation: see `torchwright watch`. */
  samples: z
    .strictObject({
      /** Texts or sentences; 0 for none. */
      count: z.int().nonnegative().max(64).default(2),
      /** Most tokens written for each. */
      tokens: z.int().positive().max(4096).default(32),
    })
    .prefault({}),
  /** Folder in which a run's own folder is made. */
  output: z.string().min(1).default('runs'),
};

export type SamplesConfig = z.output<(typeof header)['samples']>;

/** A title as a folder's name: `method-3.2`. */
export function slugOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/-$/, '');
}

/** A trainer's `sample`, where samples are wanted. */
export function samplesOf<Sample>(
  { samples }: { samples: SamplesConfig },
  take: (size: SamplesConfig) => Promise<Sample[]>,
): (() => Promise<Sample[]>) | undefined {
  return samples.count === 0 ? undefined : () => take(samples);
}
