/** Whether operators must give the same bits for the same inputs, each time. */
import { checkArgument } from '../arguments';
import { native } from '../native';

export interface DeterminismOptions {
  /** Warns on stderr of an operator without a deterministic version, in place of an error. Default false. */
  warnOnly?: boolean;
}

/**
 * Makes every operator of this process use an algorithm that gives the same bits for the same inputs, in all threads, as
 * `torch.use_deterministic_algorithms` does. On a CPU with a fixed number of threads nearly all do anyway; on a GPU some become slower.
 * Memory of `torch.empty` is filled, so that what is read by mistake is the same too. For cuBLAS, `CUBLAS_WORKSPACE_CONFIG=:4096:8` is set
 * where it is not: call this before the first work on a GPU.
 *
 * While it is on, operators that have no such algorithm throw a NondeterministicError with their name.
 */
export function useDeterministicAlgorithms(enabled: boolean, options: DeterminismOptions = {}): void {
  checkArgument(enabled, 'boolean', 'The mode that useDeterministicAlgorithms() takes');
  checkArgument(options, 'object', 'The options of useDeterministicAlgorithms(), such as { warnOnly: true },');
  native.setDeterminism(enabled, options.warnOnly ?? false);
}

export function areDeterministicAlgorithmsEnabled(): boolean {
  return native.determinism().enabled;
}

/** Trainings that asked for it and are not over, and what was set before the first of them began. */
let users = 0;
let before: { enabled: boolean; warnOnly: boolean } | undefined;

/** Switches the mode on until the result is disposed; what was set before comes back with the last of several at the same time. */
export function deterministicScope(): Disposable {
  if (users++ === 0) before = native.determinism();
  native.setDeterminism(true, false);
  let isOver = false;
  return {
    [Symbol.dispose]() {
      if (isOver) return;
      isOver = true;
      if (--users === 0) native.setDeterminism(before!.enabled, before!.warnOnly);
    },
  };
}
