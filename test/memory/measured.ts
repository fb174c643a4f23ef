/** What a step and an evaluation really hold, as the allocator counts it. */
import { totalOf, type Parts, type StepMemory } from '../../lib/memory';
import type { Module } from '../../lib/nn';
import { AdamW } from '../../lib/optim';
import { noGrad, torch, type Tensor } from '../../lib/tensor';

/** How a model is run: its loss on a micro-batch, and its evaluation. */
export interface Measured {
  model: Module;
  batches: (() => Tensor[])[];
  loss: (inputs: Tensor[]) => Tensor;
  evaluate: (inputs: Tensor[]) => unknown;
  precision?: 'float32' | 'bf16';
}

const peakAfter = (work: () => void): number => {
  torch.memory.resetPeak();
  torch.scope(work);
  return torch.memory.device('cpu').peak;
};

/** Bytes at the peaks, counted from where there was no model. */
export function measuredPeaks(make: () => Measured): { training: number; evaluation: number } {
  const before = torch.memory.device('cpu').allocated;
  const { model, batches, loss, evaluate, precision = 'float32' } = make();
  const optimizer = new AdamW(model.parameters(), { lr: 1e-4 });
  const autocast = <T>(fn: () => T): T => torch.autocast({ device: 'cpu', enabled: precision === 'bf16' }, fn);
  const step = () => {
    for (const inputs of batches) {
      torch.scope(() => autocast(() => loss(inputs())).backward());
    }
    optimizer.step();
    optimizer.zeroGrad();
  };
  torch.scope(step); // makes the moments
  const training = peakAfter(step) - before;
  const evaluation = peakAfter(() => void autocast(() => noGrad(() => evaluate(batches[0]!())))) - before;
  optimizer.dispose();
  model.dispose();
  return { training, evaluation };
}

/** Estimated over measured. */
export function ratios(estimated: StepMemory, measured: { training: number; evaluation: number }) {
  const over = (parts: Parts, bytes: number) => totalOf(parts) / bytes;
  return {
    training: over(estimated.training, measured.training),
    evaluation: over(estimated.evaluation, measured.evaluation),
  };
}
