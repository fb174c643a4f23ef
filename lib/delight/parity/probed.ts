import { z } from 'zod';

import type { Module } from '../../nn';
import type { Measurement } from '../../parity';
import type { Tensor } from '../../tensor';
import type { Golden } from './golden';

const probedSchema = z.looseObject({ probed_output: z.string() });

/** Compares a layer's outputs, the loss `sum(probed output * probe)`, and the gradients of that loss. */
export async function compareProbed(
  golden: Golden,
  module: Module,
  inputs: Record<string, Tensor | null>,
  outputs: Record<string, Tensor | null>,
): Promise<Measurement[]> {
  const { probed_output: probed } = golden.fields(probedSchema);
  const measured: Measurement[] = [];
  for (const [name, output] of Object.entries(outputs)) {
    if (output !== null && golden.has(`out.${name}`)) measured.push(await golden.output(name, output.detach()));
  }
  const product = outputs[probed]!.mul(golden.tensor('probe').to({ dtype: golden.place.dtype }));
  const loss = product.sum();
  // The sum may all but cancel: it is only as exact as what is summed.
  const summands = product.detach().norm().item();
  measured.push(await golden.compare('loss', '', loss.detach(), 'loss', summands));
  loss.backward();
  measured.push(...(await golden.gradients(module, inputs)));
  return measured;
}
