/** What a study tells while it runs: the trainer's events, and what happens around them. */
import type { DataProgress } from '../data';
import type { Metrics, Split } from '../metrics';
import type { TrainEvent } from '../train';
import type { Comparison } from './table';

/** The data are being made ready. */
export interface DataEvent {
  type: 'data';
  progress: DataProgress;
}

/** The data are ready. */
export interface PreparedEvent {
  type: 'prepared';
  description: string;
}

/** A variant's training begins. */
export interface VariantEvent {
  type: 'variant';
  title: string;
  /** From 1. */
  number: number;
  count: number;
  parameters: number;
  folder: string;
}

/** A variant's metrics are final and saved. */
export interface ReportEvent {
  type: 'report';
  title: string;
  split: Split;
  metrics: Metrics;
}

/** A variant could not be trained to the end; the comparison goes on. */
export interface FailureEvent {
  type: 'failure';
  title: string;
  message: string;
}

/** The comparison of the variants finished so far is saved. */
export interface ComparisonEvent {
  type: 'comparison';
  comparison: Comparison;
}

export type StudyEvent =
  TrainEvent | DataEvent | PreparedEvent | VariantEvent | ReportEvent | FailureEvent | ComparisonEvent;
