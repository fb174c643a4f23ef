/** Functions that hear of a tensor's gradient as it is computed. `Tensor`'s methods make tensors of the handles. */
import { checkArgument } from '../../arguments';
import { native, type Handle } from '../../native';
import { hold, takeBack } from './callbacks';
import { whileAccumulating } from './engine';

/** A hook that was registered. */
export interface HookHandle {
  /** From now on the hook is not called. Doing so twice is harmless. */
  remove(): void;
}

/** @param hook takes a gradient, which it owns; gives a new handle to put in its place, or null */
export function registerHook(tensor: Handle, hook: (gradient: Handle) => Handle | null): HookHandle {
  const number = hold((handles: readonly Handle[]) => [hook(handles[0]!)]);
  const place = native.registerHook(tensor, number);
  return removal(number, tensor, () => native.removeHook(tensor, place));
}

/** @param hook takes a handle to the leaf, which it owns */
export function registerPostAccumulateGradHook(leaf: Handle, hook: (leaf: Handle) => void): HookHandle {
  const number = hold((handles: readonly Handle[]) => {
    whileAccumulating(() => hook(handles[0]!));
    return undefined;
  });
  native.registerAccumulateHook(leaf, number);
  return removal(number, leaf, () => native.removeAccumulateHook(leaf, number));
}

export function checkHook(hook: unknown): void {
  checkArgument(hook, 'function', 'A hook');
}

function removal(number: number, tensor: Handle, remove: () => void): HookHandle {
  let registered = true;
  return {
    remove() {
      if (!registered) return;
      registered = false;
      takeBack(number);
      // Beyond the life of its handle the hook stays in the graph, calling nothing.
      if (native.isLive(tensor)) remove();
    },
  };
}
