/** The steps and evaluations of a run's history. */
import {
  readHistory as readRecords,
  recordsOf,
  type EvaluationRecord,
  type HistoryRecord,
  type StepRecord,
} from '../../metrics';

export interface History {
  steps: StepRecord[];
  evaluations: (EvaluationRecord & { evalLoss: number })[];
}

/** @throws DataError */
export async function readHistory(folder: string): Promise<History> {
  const records: HistoryRecord[] = await readRecords(folder);
  return {
    // What models are compared by is plain cross-entropy.
    steps: recordsOf(records, 'step').map((step) => ({ ...step, loss: step.nll ?? step.loss })),
    evaluations: recordsOf(records, 'evaluation').map((evaluation) => ({
      ...evaluation,
      evalLoss: evaluation.metrics.eval_loss ?? NaN,
    })),
  };
}
