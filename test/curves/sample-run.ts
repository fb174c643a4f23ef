/** Run folders as a training writes them, with the numbers of an imagined one. */
import fs from 'node:fs';
import path from 'node:path';

import type { HistoryRecord } from '../../lib/metrics';

/** What differs between imagined runs. */
export interface Imagined {
  title?: string;
  totalSteps?: number;
  /** Added to the losses. */
  worse?: number;
  learningRate?: number;
  evaluateEvery?: number;
  text?: string;
}

/** A number from 0 to before 1 that depends on the step alone. */
const noise = (step: number) => (Math.sin(step * 12.9898) * 43758.5453) % 1;

export function startRecord({ title, totalSteps = 1000, learningRate = 1e-3 }: Imagined = {}): HistoryRecord {
  return {
    type: 'start',
    time: '2031-05-04T13:07:59.000Z',
    step: 0,
    totalSteps,
    parameters: 2_345_678,
    config: { learningRate, batchSize: 8, model: { hiddenSize: 64 } },
    device: 'cpu',
    versions: { torchwright: '0.1.0' },
    resumedFrom: null,
    ...(title !== undefined && { title }),
  };
}

/** The records of one step: itself, and now and then an evaluation, a checkpoint, samples. */
export function recordsAt(step: number, run: Imagined = {}): HistoryRecord[] {
  const { totalSteps = 1000, worse = 0, learningRate = 1e-3, evaluateEvery = 100, text = 'the whale' } = run;
  const seconds = step * 0.05;
  const loss = 2 + worse + 6 * Math.exp(-step / (0.12 * totalSteps));
  const warm = Math.min(1, step / (0.05 * totalSteps));
  const records: HistoryRecord[] = [
    {
      type: 'step',
      step,
      seconds,
      epoch: step / 250,
      loss: loss + 0.25 * noise(step),
      gradNorm: 0.8 + 2 * Math.exp(-step / 50) + 0.4 * Math.abs(noise(step + 7)),
      learningRate: learningRate * warm * (1 - step / totalSteps / 1.1),
      tokens: 2048,
      tokensPerSecond: 41_000 + 900 * noise(step + 3),
      split: { data: 0.001, forward: 0.014 + 0.002 * noise(step), backward: 0.027, optimizer: 0.006 },
      mfu: 0.31 + 0.01 * noise(step + 5),
      memory: 412e6 + 1e5 * Math.min(step, 200),
      peakMemory: 450e6,
    },
  ];
  if (step % evaluateEvery > 0) return records;
  const metrics = { eval_loss: loss + 0.15, eval_accuracy: 0.7 - loss / 14, eval_runtime: 1.5 };
  const samples = [
    {
      source: 'Call me Ishmael. Some years ago',
      reference: ' - never mind how long',
      text: ` ${text} of ${step} seas`,
    },
    { source: 'There now is your insular city', reference: null, text: ` ${text}, ${text}` },
  ];
  records.push(
    { type: 'evaluation', step, seconds, epoch: step / 250, metrics, best: true },
    { type: 'sample', step, seconds, samples },
    { type: 'checkpoint', step, seconds, folder: `checkpoints/step-${step}`, best: true },
  );
  return records;
}

export const warningRecord = (step: number, message: string): HistoryRecord => ({
  type: 'warning',
  step,
  seconds: step * 0.05,
  message,
});
export const endRecord = (step: number): HistoryRecord => ({
  type: 'end',
  step,
  seconds: step * 0.05,
  reason: 'steps',
  error: null,
  metrics: { train_loss: 2.5 },
});

const linesOf = (records: readonly HistoryRecord[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('');

export function append(folder: string, ...records: HistoryRecord[]): void {
  fs.appendFileSync(path.join(folder, 'metrics.jsonl'), linesOf(records));
}

/** Writes a run up to a step into a folder of its own. */
export function writeRun(folder: string, steps: number, run: Imagined = {}): void {
  fs.mkdirSync(folder, { recursive: true });
  append(folder, startRecord(run), ...stepsBetween(1, steps, run));
}

export function stepsBetween(first: number, last: number, run: Imagined = {}): HistoryRecord[] {
  return Array.from({ length: last - first + 1 }, (_, index) => recordsAt(first + index, run)).flat();
}
