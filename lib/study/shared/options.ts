/** What every study is run with, and the names of what it leaves. */
import type { StudyEvent } from './events';

/** The resolved configuration, in every run's folder. */
export const configName = 'study.yaml';
/** The best model by `eval_loss`, in every run's folder. */
export const bestName = 'best';
/** The model as training ended, in every run's folder. */
export const lastName = 'last';

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
  /** Go on with the comparison in `out`, which was stopped: runs that have ended are taken as they are, the others begin anew. */
  resume?: boolean | undefined;
}

/** For one training. */
export interface TrainStudyOptions extends StudyOptions {
  /** Which of the models of a translation or language-model study. Default: the first. */
  model?: string | undefined;
}

export type Context = Pick<StudyOptions, 'signal' | 'onEvent'>;
