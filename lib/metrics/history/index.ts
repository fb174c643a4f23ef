/** `metrics.jsonl`: the course of a training, which its watchers, its reports and its resumption read. */
export { cutHistory, HistoryReader, historyName, lineOf, parseRecord, readHistory } from './reader';
export type { HistoryNews } from './reader';
export { recordsOf } from './records';
export type {
  CheckpointRecord,
  EndRecord,
  EvaluationRecord,
  HistoryRecord,
  LayerMix,
  SampleRecord,
  StartRecord,
  StepRecord,
  TextSample,
  WarningRecord,
} from './records';
