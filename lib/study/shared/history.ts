/** `metrics.jsonl`: the course of a training, a line for each step and each evaluation, written as it goes on. */
import fs from 'node:fs/promises';
import path from 'node:path';

import { z } from 'zod';

import { DataError } from '../../errors';
import type { TrainEvent } from '../../train';

export const historyName = 'metrics.jsonl';

const mixSchema = z.object({
  layer: z.int().positive(),
  /** The earliest layer whose weight it has. */
  first: z.int().nonnegative(),
  /** Of the layers from `first` to the layer itself. */
  weights: z.array(z.number()),
});
/** How strongly earlier layers and its own output enter one layer's sum. */
export type LayerMix = z.output<typeof mixSchema>;

const stepSchema = z.object({
  step: z.number(),
  /** Wall seconds since the training began. */
  seconds: z.number(),
  /** Mean over the step's tokens, in nats, without label smoothing. */
  loss: z.number(),
  gradNorm: z.number(),
  learningRate: z.number(),
});
const evaluationSchema = z.object({
  step: z.number(),
  seconds: z.number(),
  evalLoss: z.number(),
  /** Of variants that learn them. */
  layerWeights: z.array(mixSchema).optional(),
});

export interface History {
  steps: z.output<typeof stepSchema>[];
  evaluations: z.output<typeof evaluationSchema>[];
}

/** Writes the file: lines gather until the next evaluation or the end, so that steps cost no disk access. */
export class HistoryWriter {
  readonly #file: string;
  readonly #start = performance.now();
  #lines = '';
  #appended = performance.now();

  constructor(folder: string) {
    this.#file = path.join(folder, historyName);
  }

  async add(event: TrainEvent, layerWeights?: LayerMix[]): Promise<void> {
    const seconds = Math.round(performance.now() - this.#start) / 1000;
    if (event.type === 'step') {
      const { step, nll: loss, gradNorm, learningRate } = event;
      this.#lines += `${JSON.stringify({ step, seconds, loss, gradNorm, learningRate })}\n`;
      if (performance.now() - this.#appended > flushMs) await this.flush();
    } else if (event.type === 'evaluation') {
      const { step, metrics } = event;
      const learned = layerWeights && layerWeights.length > 0 ? { layerWeights } : {};
      this.#lines += `${JSON.stringify({ step, seconds, evalLoss: metrics.eval_loss, ...learned })}\n`;
      await this.flush();
    }
  }

  async flush(): Promise<void> {
    const lines = this.#lines;
    this.#lines = '';
    this.#appended = performance.now();
    if (lines !== '') await fs.appendFile(this.#file, lines);
  }
}

/** Somebody may be watching the file. */
const flushMs = 5000;

/** Reads the file; a last line that was cut off is left out, and a run without the file has no history. @throws DataError */
export async function readHistory(folder: string): Promise<History> {
  const file = path.join(folder, historyName);
  const history: History = { steps: [], evaluations: [] };
  const text = await fs.readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  for (const [index, line] of lines.slice(0, -1).entries()) {
    const entry = parseLine(line);
    if (entry === undefined) throw new DataError(`${file}:${index + 1} is neither a step nor an evaluation`);
    if ('evalLoss' in entry) history.evaluations.push(entry);
    else history.steps.push(entry);
  }
  return history;
}

function parseLine(line: string) {
  try {
    return z.union([evaluationSchema, stepSchema]).safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
