/** What a sweep has found, as far as it is. */
import type { Spread } from '../../metrics';

/** One of the things compared; numbers are null where all its trainings failed. */
export interface SweepRow {
  /** From 1, in the order of the grid. */
  trial: number;
  /** `learningRate 0.001, hiddenSize 64` */
  title: string;
  /** The value of each key that is swept. */
  settings: Record<string, unknown>;
  /** Null in a row about several. */
  seed: number | null;
  /** Folder of the run, inside the sweep's; of the first run, where there are several. */
  folder: string;
  /** What the sweep is about; over several seeds their mean. */
  score: number | null;
  /** How the score spreads over seeds, where there are several. */
  spread: Spread | null;
  /** All numbers of the study's own table, such as `perplexity`, `parameters` and `trainRuntime` (seconds). */
  numbers: Record<string, number | null>;
  /** Why it has no numbers, or lacks those of some seeds. */
  error: string | null;
}

export interface SweepResult {
  /** The study's name. */
  study: string;
  task: 'residual' | 'translation' | 'language-model';
  folder: string;
  /** The data, in a few words. */
  data: string;
  /** The keys that are swept. */
  keys: string[];
  score: { key: string; name: string; better: 'lower' | 'higher' };
  /** A row for each combination of settings, the best first; finished ones only, while it runs. */
  rows: SweepRow[];
  /** Every training by itself, in the same order. */
  runs: SweepRow[];
  /** The first row, unless all have failed. */
  best: SweepRow | null;
  /** Which differences from the best can be claimed and which cannot, in words. */
  findings: string[];
  /** The table for a terminal, with all that a reader must know. */
  text: string;
}
