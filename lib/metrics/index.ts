export { bleuSmoothings, corpusBleu, formatBleu, sentenceBleu } from './bleu';
export type { BleuOptions, BleuScore, BleuSmoothing } from './bleu';
export { corpusChrf, formatChrf, sentenceChrf } from './chrf';
export type { ChrfOptions, ChrfScore } from './chrf';
export { evaluationMetrics, trainingMetrics } from './evaluation';
export type { EvaluationBatch, EvaluationOptions, TrainingSummary } from './evaluation';
export { fairseqBleu, formatFairseqBleu, splitCompounds } from './fairseq-bleu';
export type { FairseqBleuOptions, FairseqBleuScore } from './fairseq-bleu';
export { saveMetrics, saveTrainerState } from './files';
export type { TrainerState } from './files';
export { formatMetric } from './format';
export type { Metrics } from './format';
export { cutHistory, HistoryReader, historyName, lineOf, parseRecord, readHistory, recordsOf } from './history';
export type {
  CheckpointRecord,
  EndRecord,
  EvaluationRecord,
  HistoryNews,
  HistoryRecord,
  LayerMix,
  SampleRecord,
  StartRecord,
  StepRecord,
  TextSample,
  WarningRecord,
} from './history';
export { roundHalfEven } from './python';
export { formatMetrics } from './report';
export type { Split } from './report';
export type { References } from './sentences';
export { spreadOf, studentQuantile, welchInterval } from './statistics';
export type { Difference, Spread } from './statistics';
export { bleuTokenizers } from './tokenize';
export type { BleuTokenizer } from './tokenize';
