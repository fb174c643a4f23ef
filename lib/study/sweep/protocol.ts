/** What a sweep and the processes of its trials tell each other. */
import type { AnyStudyConfig } from '../read';
import type { StudyEvent } from '../shared/events';

/** One training, as a process is to do it. */
export interface Job {
  study: AnyStudyConfig;
  model: string | undefined;
  /** The run's folder; where it holds a checkpoint, training goes on from it. */
  out: string;
  cacheDir: string | undefined;
}

export type ToTrial = { type: 'train'; job: Job } | { type: 'stop' };

/** Why a training did not come to its end. */
export interface Failure {
  message: string;
}

export type FromTrial = { type: 'event'; event: StudyEvent } | { type: 'ended'; failure: Failure | null };
