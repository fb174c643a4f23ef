/** How a command fails: what is printed, and the exit code. */
import { TorchwrightError } from '../errors';

export const exitCodes = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

const codes = new Map<string, number>([
  ['ERR_ABORTED', exitCodes.interrupted],
  ['ERR_CONFIG', exitCodes.usage],
  ['ERR_ARGUMENT', exitCodes.usage],
]);

export function exitCodeOf(error: unknown): number {
  return error instanceof TorchwrightError ? (codes.get(error.code) ?? exitCodes.failed) : exitCodes.failed;
}

/** Our own errors say what to do by themselves; of others, the stack is the best there is. */
export function printError(error: unknown, debug: boolean): void {
  const trace = debug || Boolean(process.env.TORCHWRIGHT_DEBUG);
  if (trace) console.error(error);
  else if (error instanceof TorchwrightError) console.error(error.message);
  else {
    console.error(error instanceof Error ? error.message : String(error));
    console.error('(set TORCHWRIGHT_DEBUG=1 to see where this came from)');
  }
}
