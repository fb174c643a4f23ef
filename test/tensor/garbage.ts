import { setTimeout as wait } from 'node:timers/promises';
import v8 from 'node:v8';
import vm from 'node:vm';

v8.setFlagsFromString('--expose-gc');
/** Collects garbage; finalisers run later. */
export const gc = vm.runInNewContext('gc') as () => void;

/** Collects garbage and lets the finalisers of what was collected run. */
export async function collectGarbage(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    gc();
    await wait(2);
  }
}
