import { AbortError } from '../errors';

/** Throws AbortError once the signal is raised. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new AbortError('preparing the data was aborted', { cause: signal.reason });
}
