import type { Setting } from '../../config';
import type { Training } from './training';

/** One of the things compared: a choice on each axis, to be trained with every seed. */
export interface Point {
  /** From 1. */
  number: number;
  /** `learningRate 0.001, hiddenSize 64` */
  title: string;
  /** How the folders of its runs begin. */
  slug: string;
  settings: Record<string, unknown>;
  /** Which choice on each axis. */
  choices: number[];
  given: Setting[];
  training: Training;
}
