/** The memory of a training step and of an evaluation, from a replay of the model's pass. */
import { Pass, type Parts } from './pass';

/** What is replayed. */
export interface Replay {
  /** Of all parameters, float32. */
  weights: number;
  /** Micro-batches to a step. */
  accumulation: number;
  /** Goes through the loss of a micro-batch, or through its evaluation where the pass is not recording. */
  run: (pass: Pass) => void;
}

/** Bytes of tensors at the peak, by what they are held for. */
export interface StepMemory {
  /** Of a training step. */
  training: Parts;
  /** Of an evaluation between two steps; the optimiser's moments stay. */
  evaluation: Parts;
}

export const totalOf = (parts: Parts): number => Object.values(parts).reduce((sum, bytes) => sum + bytes, 0);

export function stepMemory(replay: Replay): StepMemory {
  return { training: peakOf(replay, true), evaluation: peakOf(replay, false) };
}

function peakOf({ weights, accumulation, run }: Replay, recording: boolean): Parts {
  const pass = new Pass(recording);
  pass.hold(weights, 'weights');
  // AdamW's two moments.
  pass.hold(2 * weights, 'optimizer');
  // All further micro-batches hold what the second does.
  for (let batch = 0; batch < Math.min(accumulation, recording ? 2 : 1); batch++) {
    run(pass);
    pass.backward();
  }
  return pass.peak.parts;
}
