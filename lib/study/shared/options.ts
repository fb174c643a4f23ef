/** What every study is run with, and the names of what it leaves. */
import type { TraceOptions } from '../../train';
import type { StudyEvent } from './events';

/** The resolved configuration, in every run's folder. */
export const configName = 'study.yaml';
/** The mean of the last models, in the folder of a run that keeps some. */
export const averagedName = 'averaged';
/** The weights of a model folder. */
export const weightsName = 'model.safetensors';

export interface StudyOptions {
  /** `a.b.c=value`, for a study read from a file. */
  overrides?: string[] | undefined;
  /** The run's folder: new or empty. Default: a new one in the study's `output`. */
  out?: string | undefined;
  /** Stops the work with an AbortError; what was finished stays. */
  signal?: AbortSignal | undefined;
  onEvent?: ((event: StudyEvent) => void) | undefined;
  /** Where corpora and token files are kept; see `prepareData`. */
  cacheDir?: string | undefined;
}

/** For a comparison. */
export interface CompareStudyOptions extends StudyOptions {
  /** Go on with the comparison in `out`, which was stopped: runs that have ended are taken as they are, one that was stopped goes on. */
  resume?: boolean | undefined;
}

/** For one training. */
export interface TrainStudyOptions extends StudyOptions {
  /**
   * Go on with the run in `out` from its newest whole checkpoint, as if it had never been stopped; one that has ended is taken as it is.
   * `'if-there'` begins a new one where `out` holds none.
   */
  resume?: boolean | 'if-there' | undefined;
  /** Go on although the study has changed since; the differences are told as a warning. */
  allowChanges?: boolean | undefined;
  /** Records the operators of some steps as a Chrome trace, `trace.json` in the run's folder unless it says otherwise. */
  profile?: TraceOptions | undefined;
  /** Which of the models of a translation or language-model study. Default: the first. */
  model?: string | undefined;
}

export type Context = Pick<TrainStudyOptions, 'signal' | 'onEvent' | 'allowChanges' | 'profile'>;
