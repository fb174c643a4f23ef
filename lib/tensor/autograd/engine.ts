/** Runs libtorch's engine, and explains what goes wrong in it. */
import { AutogradError, TorchwrightError } from '../../errors';
import { native } from '../../native';
import { applyModes } from '../context';
import { wasThrownByCallback } from './callbacks';

let accumulating = 0;

/**
 * Runs what native code does with a graph. An error of a hook or of a function written in JavaScript comes through as it was thrown.
 * @throws AutogradError and others, with the place where the operator that failed was called if anomaly detection knows it
 */
export function differentiate<T>(run: () => T): T {
  if (accumulating > 0) {
    throw new AutogradError(
      'No gradients can be computed inside a post-accumulate-grad hook: the leaf is locked while the hook runs.',
    );
  }
  applyModes();
  try {
    return run();
  } catch (error) {
    const report = native.anomalyReport();
    if (report !== null && error instanceof TorchwrightError && !wasThrownByCallback(error)) addOrigin(error, report);
    throw error;
  }
}

/** Runs a hook that is called while libtorch holds a leaf's lock. */
export function whileAccumulating<T>(hook: () => T): T {
  accumulating++;
  try {
    return hook();
  } finally {
    accumulating--;
  }
}

function addOrigin(error: TorchwrightError, { node, origin }: { node: string; origin: string }): void {
  error.message +=
    origin === ''
      ? `\n${node} failed. It was made outside of detectAnomaly, so that nothing is known of where.`
      : `\n${node} failed. It is the derivative of ${operatorOf(node)}, called in the forward pass here:\n${origin}`;
}

/** `SqrtBackward0` is the derivative of `sqrt`. */
function operatorOf(node: string): string {
  const name = node.replace(/Backward\d*$/, '');
  return name.charAt(0).toLowerCase() + name.slice(1);
}
