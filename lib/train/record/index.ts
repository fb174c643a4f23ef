/** What a training leaves for others to see while it goes on: files, gauges, a line of progress. */
export type { StepMemory, StepSpeed } from './meter';
export { ProgressLine } from './progress/progress-line';
export { PrometheusGauges } from './prometheus';
export { Recorder } from './recorder';
export type { TraceOptions } from './trace-file';
