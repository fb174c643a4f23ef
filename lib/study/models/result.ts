import type { Metrics } from '../../metrics';
import type { RunSample } from '../shared/record';

/** What the training of one of a study's models gives. */
export interface ModelResult {
  title: string;
  folder: string;
  parameters: number;
  /** Multiply-additions; for which lengths, the study's table says. */
  macs: number;
  train: Metrics;
  /** Tokens learned to predict, for each second of the training. */
  tokensPerSecond: number;
  /** Of the final model: the mean of the last checkpoints where the study asks for it, else as `train.loadBestModelAtEnd` says. */
  scores: Metrics;
  best: { step: number; loss: number } | null;
  /** Some texts of the data, and what the model made of them. */
  samples: RunSample[];
}
