/** What a study tells while it runs: the trainer's events, and what happens around them. */
import type { DataProgress, PairProgress } from '../../data';
import type { Metrics, Split } from '../../metrics';
import type { TrainEvent } from '../../train';
import type { StudyComparison } from './comparison';
import type { RunSample } from './record';

/** The data are being made ready. */
export interface DataEvent {
  type: 'data';
  progress: DataProgress | PairProgress;
}

/** The data are ready. */
export interface PreparedEvent {
  type: 'prepared';
  description: string;
}

/** A variant's or model's training begins. */
export interface VariantEvent {
  type: 'variant';
  title: string;
  /** From 1. */
  number: number;
  count: number;
  parameters: number;
  folder: string;
}

/** A variant's or model's metrics are final and saved. */
export interface ReportEvent {
  type: 'report';
  title: string;
  split: Split;
  metrics: Metrics;
}

/** A variant or model could not be trained to the end; the comparison goes on. */
export interface FailureEvent {
  type: 'failure';
  title: string;
  message: string;
}

/** A variant or model had been trained before its comparison was stopped, and is taken as it is. */
export interface ResumedEvent {
  type: 'resumed';
  title: string;
  folder: string;
}

/** The comparison of what is finished so far is saved. */
export interface ComparisonEvent {
  type: 'comparison';
  comparison: StudyComparison;
}

/** So many sentences of the test set are translated. */
export interface TranslationEvent {
  type: 'translation';
  done: number;
  total: number;
}

/** Some texts of the data, and what a model made of them. */
export interface SamplesEvent {
  type: 'samples';
  title: string;
  samples: RunSample[];
}

export type StudyEvent =
  | TrainEvent
  | DataEvent
  | PreparedEvent
  | VariantEvent
  | ReportEvent
  | TranslationEvent
  | SamplesEvent
  | FailureEvent
  | ResumedEvent
  | ComparisonEvent;
