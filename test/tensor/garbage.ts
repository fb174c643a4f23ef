import v8 from 'node:v8';
import vm from 'node:vm';

import { torch } from '../../lib/tensor';

v8.setFlagsFromString('--expose-gc');
/** Collects garbage; finalisers run later. */
export const gc = vm.runInNewContext('gc') as () => void;

/** Collects garbage and lets the finalisers of what was collected run, which may leave more of it. */
export async function collectGarbage(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    gc();
    await torch.memory.collect();
  }
}
