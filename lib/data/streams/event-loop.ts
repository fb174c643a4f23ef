/** Lets the event loop turn where samples come without waiting for anything. */
import { setImmediate } from 'node:timers/promises';

const longestTurn = 5;
let began = performance.now();

/** A promise to wait for when the event loop has not turned for some milliseconds. */
export function turn(): Promise<void> | undefined {
  if (performance.now() - began < longestTurn) return undefined;
  return setImmediate().then(() => {
    began = performance.now();
  });
}
