/** Anomaly detection: where in the forward pass a gradient that goes wrong comes from. */
import { applyModes, currentContext, Mode, runIn } from '../context';

export interface AnomalyOptions {
  /** Whether a gradient with NaN is an error. True unless given. */
  checkNan?: boolean;
}

/**
 * Runs `fn` and notes for each operator recorded in it where it was called. When a backward pass in it fails, or yields NaN, the error
 * names the operator and the place. Slow: for finding mistakes. Follows `await`.
 */
export function detectAnomaly<T>(fn: () => T, options: AnomalyOptions = {}): T {
  const { scope, modes, packer } = currentContext();
  const wanted = (modes & ~Mode.CheckNan) | Mode.Anomaly | ((options.checkNan ?? true) ? Mode.CheckNan : 0);
  try {
    return runIn({ scope, modes: wanted, packer }, fn);
  } finally {
    applyModes();
  }
}

export function isAnomalyEnabled(): boolean {
  return (currentContext().modes & Mode.Anomaly) !== 0;
}
