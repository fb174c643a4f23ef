/** Long work on the compute thread, and how to stop it. */
import { AbortError } from '../errors';
import { native, type CancelToken } from '../native';
import { applyModes } from './context';

/**
 * Runs a native job that `signal` can cancel, in the modes of the work that starts it.
 * @throws AbortError (code `ERR_ABORTED`, the signal's reason as `cause`) when the signal is raised before the job has ended
 */
export async function withSignal<T>(
  signal: AbortSignal | undefined,
  job: (token: CancelToken) => Promise<T>,
): Promise<T> {
  applyModes();
  if (signal === undefined) return job(0);
  if (signal.aborted) throw aborted(signal);
  const token = native.tokenCreate();
  const cancel = () => native.cancel(token);
  signal.addEventListener('abort', cancel, { once: true });
  try {
    return await job(token);
  } catch (error) {
    throw signal.aborted && (error as { code?: unknown }).code === 'ERR_ABORTED' ? aborted(signal) : error;
  } finally {
    signal.removeEventListener('abort', cancel);
    native.tokenFree(token);
  }
}

function aborted(signal: AbortSignal): AbortError {
  return new AbortError('The job was cancelled by its AbortSignal.', { cause: signal.reason });
}
