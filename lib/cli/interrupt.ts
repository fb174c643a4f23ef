/** Ctrl-C: once to stop in good order, twice to stop at once. */
import { exitCodes } from './failure';

/** Runs `work` with a signal that Ctrl-C (or SIGTERM) raises. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const interrupt = () => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    console.error('\nStopping in good order; press Ctrl-C again to stop at once.');
    controller.abort(new Error('interrupted'));
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const name of signals) process.on(name, interrupt);
  try {
    return await work(controller.signal);
  } finally {
    for (const name of signals) process.off(name, interrupt);
  }
}
