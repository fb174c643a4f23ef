export { evaluationMetrics, trainingMetrics } from './evaluation';
export type { EvaluationBatch, EvaluationOptions, TrainingSummary } from './evaluation';
export { saveMetrics, saveTrainerState } from './files';
export type { TrainerState } from './files';
export { formatMetric } from './format';
export type { Metrics } from './format';
export { roundHalfEven } from './python';
export { formatMetrics } from './report';
export type { Split } from './report';
