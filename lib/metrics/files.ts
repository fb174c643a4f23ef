/** The result files of a run, with Hugging Face's names, keys and formats. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { DataError } from '../errors';
import { writeFileAtomically } from '../files';
import type { Metrics } from './format';
import { parsePythonJson, pythonJson } from './python';
import type { Split } from './report';

const allResults = 'all_results.json';

/**
 * Writes `{split}_results.json` and merges the metrics into `all_results.json`, raw numbers; the folder is made if need be.
 * @throws DataError when `all_results.json` is there and is not an object of numbers
 */
export async function saveMetrics(folder: string, split: Split, metrics: Metrics): Promise<void> {
  const merged = { ...(await readMetrics(path.join(folder, allResults))), ...metrics };
  await writeFileAtomically(path.join(folder, `${split}_results.json`), pythonJson(metrics, 4));
  await writeFileAtomically(path.join(folder, allResults), pythonJson(merged, 4));
}

async function readMetrics(file: string): Promise<Metrics> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
  let metrics: unknown;
  try {
    metrics = parsePythonJson(text);
  } catch (cause) {
    throw new DataError(`${file} is not JSON, so results cannot be added; move it away`, { cause });
  }
  if (!isMetrics(metrics))
    throw new DataError(`${file} is not an object of numbers, so results cannot be added; move it away`);
  return metrics;
}

function isMetrics(value: unknown): value is Metrics {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((item) => typeof item === 'number')
  );
}

/** What Hugging Face's Trainer knows of a training, as far as it has a meaning here; the rest is written with its fixed value. */
export interface TrainerState {
  bestGlobalStep: number | null;
  bestMetric: number | null;
  bestModelCheckpoint: string | null;
  epoch: number;
  evalSteps: number;
  globalStep: number;
  /** Entries `{ epoch, step, loss, grad_norm, learning_rate }`, evaluation metrics with epoch and step; the train summary last. */
  logHistory: readonly Metrics[];
  loggingSteps: number;
  maxSteps: number;
  numInputTokensSeen: number;
  numTrainEpochs: number;
  saveSteps: number;
  totalFlos: number;
  trainBatchSize: number;
}

/** Writes `trainer_state.json`; the folder is made if need be. */
export async function saveTrainerState(folder: string, state: TrainerState): Promise<void> {
  const fields = {
    best_global_step: state.bestGlobalStep,
    best_metric: state.bestMetric,
    best_model_checkpoint: state.bestModelCheckpoint,
    epoch: state.epoch,
    eval_steps: state.evalSteps,
    global_step: state.globalStep,
    is_hyper_param_search: false,
    is_local_process_zero: true,
    is_world_process_zero: true,
    log_history: state.logHistory,
    logging_steps: state.loggingSteps,
    max_steps: state.maxSteps,
    num_input_tokens_seen: state.numInputTokensSeen,
    num_train_epochs: state.numTrainEpochs,
    save_steps: state.saveSteps,
    stateful_callbacks: {},
    total_flos: state.totalFlos,
    train_batch_size: state.trainBatchSize,
    trial_name: null,
    trial_params: null,
  };
  await writeFileAtomically(path.join(folder, 'trainer_state.json'), `${pythonJson(fields, 2)}\n`);
}
