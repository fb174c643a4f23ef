import type { Metrics, Split } from '../../metrics';

/** What an evaluation of a run gives. */
export interface RunEvaluation {
  title: string;
  /** Folder of the evaluated model. */
  model: string;
  /** Which part of the data: `eval` for validation, `test` where a study keeps one. */
  split: Split;
  metrics: Metrics;
}
