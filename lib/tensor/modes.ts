/** Modes of a piece of work: gradients, inference, mixed precision. Each follows `await` and ends with its function. */
import { checkArgument } from '../arguments';
import { ArgumentError, DeviceError } from '../errors';
import { native } from '../native';
import { applyModes, currentContext, Mode, runIn } from './context';
import { isThenable } from './scope';

function runWith<T>(set: number, cleared: number, fn: () => T): T {
  const { scope, modes, packer } = currentContext();
  const context = { scope, modes: (modes & ~cleared) | set, packer };
  if (((context.modes ^ modes) & ~Mode.Grad) === 0) return runIn(context, fn);
  // These modes are left at once, and not with the next operator: beyond their end weights that were cast may change.
  return atEnd(
    () => runIn(context, fn),
    () => applyModes(),
  );
}

/** Runs `end` when `fn` has returned or thrown, or its promise has settled. */
function atEnd<T>(fn: () => T, end: () => void): T {
  let pending = false;
  try {
    const result = fn();
    if (isThenable(result)) {
      pending = true;
      return Promise.resolve(result).finally(end) as T;
    }
    return result;
  } finally {
    if (!pending) end();
  }
}

/** Runs `fn` without recording gradients; when `fn` is asynchronous, until its promise settles. */
export function noGrad<T>(fn: () => T): T {
  return runWith(0, Mode.Grad, fn);
}

/** Runs `fn` with gradients recorded, inside a `noGrad`. */
export function enableGrad<T>(fn: () => T): T {
  return runWith(Mode.Grad, 0, fn);
}

/** Runs `fn` with gradients recorded or not: `setGradEnabled(training, () => model.forward(x))`. */
export function setGradEnabled<T>(enabled: boolean, fn: () => T): T {
  return enabled ? enableGrad(fn) : noGrad(fn);
}

/** Whether operations on tensors that require gradients are recorded here. */
export function isGradEnabled(): boolean {
  return (currentContext().modes & Mode.Grad) !== 0;
}

/**
 * Runs `fn` without gradients and without what in-place changes and views need for them, a little faster than `noGrad`. What it
 * makes can never take part in recorded work: libtorch refuses to save it. `enabled: false` gives normal mode inside it.
 */
export function inferenceMode<T>(fn: () => T, options: { enabled?: boolean } = {}): T {
  return (options.enabled ?? true) ? runWith(Mode.Inference, Mode.Grad, fn) : runWith(Mode.Grad, Mode.Inference, fn);
}

export function isInferenceModeEnabled(): boolean {
  return (currentContext().modes & Mode.Inference) !== 0;
}

export interface AutocastOptions {
  /** Kind of device whose operators are cast. Operators on other devices keep their precision. */
  device: 'cpu' | 'cuda';
  /** What matrix products and convolutions are computed in: `bfloat16` on `cpu` unless given, `float16` on `cuda`. */
  dtype?: 'bfloat16' | 'float16';
  /** `false` turns autocast off inside another one. */
  enabled?: boolean;
  /** Whether weights are cast once and kept until the outermost autocast ends. True unless given. */
  cacheEnabled?: boolean;
}

const bits = {
  cpu: { on: Mode.AutocastCpu, half: Mode.AutocastCpuHalf, dtype: 'bfloat16' },
  cuda: { on: Mode.AutocastCuda, half: Mode.AutocastCudaHalf, dtype: 'float16' },
} as const;

/**
 * Runs `fn` in mixed precision: operators that gain by it run in `dtype`, those that need float32 in float32, by libtorch's
 * lists. Follows `await`; jobs started inside run under it too. Compute the loss inside, call `backward` outside.
 * @throws DeviceError for `cuda` where there is no CUDA device
 */
export function autocast<T>(options: AutocastOptions, fn: () => T): T {
  checkArgument(options, 'object', 'The options of torch.autocast');
  checkArgument(fn, 'function', 'What torch.autocast is to run');
  const { device, enabled = true, cacheEnabled = true } = options;
  if (!Object.hasOwn(bits, device)) {
    throw new ArgumentError(`autocast: device must be 'cpu' or 'cuda', not ${JSON.stringify(device)}.`);
  }
  const { on, half, dtype: usual } = bits[device];
  const dtype = options.dtype ?? usual;
  if (dtype !== 'bfloat16' && dtype !== 'float16') {
    throw new ArgumentError(`autocast: dtype must be 'bfloat16' or 'float16', not ${JSON.stringify(dtype)}.`);
  }
  if (device === 'cuda' && enabled && native.cudaDeviceCount() === 0) {
    throw new DeviceError("autocast: there is no CUDA device; use { device: 'cpu' } or { enabled: false }.");
  }
  const set =
    (enabled ? on | (dtype === 'float16' ? half : 0) : 0) | (enabled && cacheEnabled ? Mode.AutocastCache : 0);
  const cleared = on | half | (enabled ? Mode.AutocastCache : 0);
  return runWith(set, cleared, fn);
}

/** Whether operators on this kind of device are cast here. */
export function isAutocastEnabled(device: 'cpu' | 'cuda'): boolean {
  return (currentContext().modes & bits[device].on) !== 0;
}
