/** The `sweep:` section of a study's file: which keys of the study take which values. */
import { z } from 'zod';

const settings = z.record(z.string(), z.unknown());

/** Keys are written as on the command line: `train.learningRate`. */
export const sweepSchema = z.strictObject({
  /** The values of each key, in a list; every combination of them is a trial. */
  grid: z.record(z.string(), z.array(z.unknown()).min(1)).default({}),
  /** Keys that take their values together, a section for each trial; with a grid, every combination of the two. */
  list: z.array(settings.refine((keys) => Object.keys(keys).length > 0, 'sets no key')).default([]),
});

export type SweepSection = z.output<typeof sweepSchema>;
/** What a user writes. */
export type SweepInput = z.input<typeof sweepSchema>;
