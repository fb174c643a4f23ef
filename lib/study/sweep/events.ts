/** What a sweep tells while it runs. */
import type { DataEvent, PreparedEvent, StudyEvent } from '../shared/events';
import type { SweepResult } from './result';

/** Which training. */
export interface TrialName {
  /** Of the combination of settings, from 1. */
  number: number;
  /** `learningRate 0.001, hiddenSize 64` */
  title: string;
  seed: number;
  folder: string;
}

/** All configurations are checked and the data are ready. */
export interface SweepBeginEvent {
  type: 'sweep';
  folder: string;
  /** Trainings in all, those that had ended before included. */
  runs: number;
  /** At most so many at a time. */
  processes: number;
}

/** What a training tells, with at most ten steps a second. */
export interface TrialEvent {
  type: 'trial';
  trial: TrialName;
  event: StudyEvent;
}

/** A training is over, or was not begun because it had ended before. */
export interface TrialEndEvent {
  type: 'trialEnd';
  trial: TrialName;
  /** `failed` is for what is no property of the trial, such as a full disk: resuming the sweep tries it again. */
  how: 'finished' | 'resumed' | 'diverged' | 'failed';
  /** Why it diverged or failed. */
  message: string | null;
  /** Trainings that are over, of all. */
  ended: number;
  runs: number;
}

/** The table of what has ended so far is saved. */
export interface SweepTableEvent {
  type: 'table';
  result: SweepResult;
}

export type SweepEvent = DataEvent | PreparedEvent | SweepBeginEvent | TrialEvent | TrialEndEvent | SweepTableEvent;
