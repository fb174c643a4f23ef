/** What the process of a training needs besides its tensors, and whether the machine has it. */
import { OutOfMemoryError } from '../../errors';
import { totalOf, type Parts, type StepMemory } from '../../memory';
import { torch, type Device } from '../../tensor';
import type { TrainingLoad } from './load';

/** Bytes at a peak, by what they are for. */
export interface PeakMemory extends Parts {
  /** On the CPU, room between tensors that the C library's allocator keeps. */
  heap: number;
  /** On the CPU, the process without a tensor: Node, libtorch, the data's tables. */
  process: number;
}

/**
 * What tensors that come and go leave unused between them, as part of their own size: glibc gives freed room to later tensors, which seldom fit
 * exactly. (With every tensor in pages of its own, which costs half as much time again, there is no such room: measured.) Over both families, at
 * peaks from 0.4 to 2 GB, it was 0.06 to 0.35 of them; with checkpointing as much, since it gives the gaps back between layers. Gradients of a first
 * micro-batch lie in the midst of the room that its activations leave: then it was 0.2 to 0.9. Weights and moments stay where they are.
 */
const unusedShare = { usual: 0.15, accumulating: 0.6 };

/** @param process - what the process holds without tensors */
export function peakMemory(
  part: keyof StepMemory,
  { memory, accumulation }: Pick<TrainingLoad, 'memory' | 'accumulation'>,
  device: string,
  process: number,
): PeakMemory {
  const parts = memory[part];
  if (device !== 'cpu') return { ...parts, heap: 0, process: 0 };
  const share = part === 'training' && accumulation > 1 ? unusedShare.accumulating : unusedShare.usual;
  return { ...parts, heap: share * (parts.activations + parts.loss + parts.gradients), process };
}

export const totalMemory = ({ heap, process, ...parts }: PeakMemory): number => totalOf(parts) + heap + process;

/** How far the estimate may be off; measured: see bench/memory. */
const margin = 0.15;

/**
 * Refuses a training that cannot fit into what is free, also where the estimate is too high by its margin. The operating system would end the
 * process in the middle of a step, without a word.
 * @throws OutOfMemoryError naming the parts, and what to lower
 */
export function refuseTooLarge(load: TrainingLoad, device: string): void {
  const { title, batch } = load;
  const { free, total: installed } = torch.memory.device(device as Device);
  if (installed === 0) return;
  for (const [name, what] of [
    ['training', 'a training step'],
    ['evaluation', 'an evaluation'],
  ] as const satisfies [keyof StepMemory, string][]) {
    const peak = peakMemory(name, load, device, 0);
    const needed = totalMemory(peak);
    if (needed * (1 - margin) <= free) continue;
    const parts = Object.entries({ ...peak } as Record<string, number>).filter(([, bytes]) => bytes > 0.01 * needed);
    const list = parts.map(([part, bytes]) => `${part} ${gigabytes(bytes)}`).join(', ');
    throw new OutOfMemoryError(
      `${title} needs about ${gigabytes(needed)} for ${what} of ${batch} (${list}), and ${gigabytes(free)} of ${device}'s ` +
        `${gigabytes(installed)} are free. Lower it: ${adviceFor(load, free).join('; ')}. torchwright plan tells what a study needs.`,
    );
  }
}

/** What to lower: no batch is small enough where weights, gradients and moments alone do not fit. */
export function adviceFor(
  { memory, parameters, advice }: Pick<TrainingLoad, 'memory' | 'parameters' | 'advice'>,
  free: number,
): string[] {
  const { weights, gradients, optimizer } = memory.training;
  if (weights + gradients + optimizer <= free) return advice;
  const size = parameters.toLocaleString('en-US', { notation: 'compact' });
  return [
    `a smaller model (this one's ${size} parameters take ${gigabytes(weights + gradients + optimizer)} in training)`,
  ];
}

/** `1.25 GB`, of 1000 MB. */
export function gigabytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(0)} MB`;
}
