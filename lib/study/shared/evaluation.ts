import type { Metrics, Split } from '../../metrics';
import type { EvaluationBatchEvent } from '../../train';
import type { Context } from './options';

/** What an evaluation of a run gives. */
export interface RunEvaluation {
  title: string;
  /** Folder of the evaluated model. */
  model: string;
  /** Which part of the data: `eval` for validation, `test` where a study keeps one. */
  split: Split;
  metrics: Metrics;
}

/** Runs an evaluation to its end and tells its events. */
export async function metricsOf(
  evaluation: AsyncGenerator<EvaluationBatchEvent, Metrics, undefined>,
  { onEvent }: Pick<Context, 'onEvent'>,
): Promise<Metrics> {
  try {
    for (;;) {
      const next = await evaluation.next();
      if (next.done) return next.value;
      onEvent?.(next.value);
    }
  } finally {
    await evaluation.return({}); // a listener that throws must not leave the model in evaluation mode
  }
}
