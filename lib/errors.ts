/**
 * Every error that Torchwright makes: a class for each kind of mistake, each with a stable `code`.
 *
 * Match on `code` (or `instanceof`); messages say what was wrong and what to do, and may change.
 */

/** Base of all errors of this package. */
export class TorchwrightError extends Error {
  /** Stable name of the kind of error, such as `ERR_SHAPE`. */
  readonly code: string;

  constructor(message: string, code = 'ERR_TORCHWRIGHT', options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** Defines nothing but a code: one line for each class below. */
function errorClass(code: string) {
  return class extends TorchwrightError {
    constructor(message: string, options?: ErrorOptions) {
      super(message, code, options);
    }
  };
}

/** Sizes that do not fit together or an index out of range. */
export class ShapeError extends errorClass('ERR_SHAPE') {}
/** An element type that an operation does not take, or that would lose information. */
export class DtypeError extends errorClass('ERR_DTYPE') {}
/** A device that is not there, or tensors on different devices. */
export class DeviceError extends errorClass('ERR_DEVICE') {}
/** Memory could not be had. Figures are in bytes, and undefined where libtorch does not tell them. */
export class OutOfMemoryError extends errorClass('ERR_OUT_OF_MEMORY') {
  /** What was asked for in one piece; Infinity where it is more than can be addressed. */
  readonly bytesAsked: number | undefined;
  /** What the device could still give. */
  readonly bytesFree: number | undefined;
  /** What tensors, and libtorch for them, hold on the device. */
  readonly bytesHeld: number | undefined;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    ({ asked: this.bytesAsked, free: this.bytesFree, held: this.bytesHeld } = memoryFigures(message));
  }
}

const byteUnits: Record<string, number> = { bytes: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };
const amount = String.raw`(\d+(?:\.\d+)?) (bytes|KiB|MiB|GiB|TiB)`;

/** What the allocators' messages tell: "Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 15.77 GiB of which 1.17 GiB is free." */
function memoryFigures(message: string): Record<'asked' | 'free' | 'held', number | undefined> {
  const bytes = (pattern: string): number | undefined => {
    const [, number, unit] = new RegExp(pattern.replace('#', amount), 'i').exec(message) ?? [];
    return number === undefined ? undefined : Math.round(Number(number) * byteUnits[unit!]!);
  };
  const overflow = message.includes('size calculation overflowed');
  return {
    asked: overflow ? Infinity : bytes('tried to allocate #'),
    free: bytes('# (?:is|are) free'),
    held: bytes('# (?:is|are) (?:allocated|held) by (?:PyTorch|tensors)'),
  };
}
/** Something was used after it was disposed. */
export class DisposedError extends errorClass('ERR_DISPOSED') {}
/** An argument of the wrong kind or number. */
export class ArgumentError extends errorClass('ERR_ARGUMENT') {}
/** A configuration that cannot be run; the message gives `file:line:column path` where there is a file. */
export class ConfigError extends errorClass('ERR_CONFIG') {}
/** A corpus, tokenizer or token file that is missing, damaged or does not fit. */
export class DataError extends errorClass('ERR_DATA') {}
/** A checkpoint or weight file that is missing, damaged or does not fit the model. */
export class CheckpointError extends errorClass('ERR_CHECKPOINT') {}
/** A file that could not be written: no room, no permission, a disk that fails. What stood in its place is still there. */
export class StorageError extends errorClass('ERR_STORAGE') {}
/** A libtorch that is not supported or not the one the addon was built for. */
export class VersionError extends errorClass('ERR_VERSION') {}
/** A failure between processes that train together. */
export class DistributedError extends errorClass('ERR_DISTRIBUTED') {}
/** A loss or gradient that is not a finite number. */
export class NonFiniteError extends errorClass('ERR_NON_FINITE') {}
/** A training's observer or listener threw; the error it threw is the `cause`. */
export class ObserverError extends errorClass('ERR_OBSERVER') {}
/** A training that was to learn a few batches by heart, to see that it can, did not. */
export class NotLearningError extends errorClass('ERR_NOT_LEARNING') {}
/** An operator that has no deterministic version was called where only such may run; the message names it. */
export class NondeterministicError extends errorClass('ERR_NONDETERMINISTIC') {}
/** Tensors are alive that should not be; `assertNoLeaks` throws it. */
export class LeakError extends errorClass('ERR_LEAK') {}
/** Gradients that cannot be computed: a graph that is gone, a saved tensor that was changed, a derivative that is wrong. */
export class AutogradError extends errorClass('ERR_AUTOGRAD') {}
/** A job ended because its AbortSignal was raised. */
export class AbortError extends errorClass('ERR_ABORTED') {}
/** libtorch or its addon could not be loaded; the message says what was tried and what to type. */
export class LoadError extends errorClass('ERR_LOAD') {}
/** Anything else that libtorch refused. */
export class TorchError extends errorClass('ERR_TORCH') {}

const classByCode = new Map<string, new (message: string, options?: ErrorOptions) => TorchwrightError>([
  ['ERR_SHAPE', ShapeError],
  ['ERR_DTYPE', DtypeError],
  ['ERR_DEVICE', DeviceError],
  ['ERR_OUT_OF_MEMORY', OutOfMemoryError],
  ['ERR_DISPOSED', DisposedError],
  ['ERR_ARGUMENT', ArgumentError],
  ['ERR_CONFIG', ConfigError],
  ['ERR_DATA', DataError],
  ['ERR_CHECKPOINT', CheckpointError],
  ['ERR_STORAGE', StorageError],
  ['ERR_VERSION', VersionError],
  ['ERR_DISTRIBUTED', DistributedError],
  ['ERR_NON_FINITE', NonFiniteError],
  ['ERR_NONDETERMINISTIC', NondeterministicError],
  ['ERR_AUTOGRAD', AutogradError],
  ['ERR_ABORTED', AbortError],
  ['ERR_TORCH', TorchError],
]);

/** Where libtorch's own exception class does not tell the kind of mistake, its words do. */
const wordsOfTorch: [RegExp, string][] = [
  [/does not have a deterministic implementation|CUBLAS_WORKSPACE_CONFIG/, 'ERR_NONDETERMINISTIC'],
  [/inplace operation|in-place operation|graph a second time|does not require grad|inference tensor/i, 'ERR_AUTOGRAD'],
  [/expected all tensors to be on the same device|device type|CUDA|invalid device|on device/i, 'ERR_DEVICE'],
  [/scalar type|dtype|same type|result type .* can't be cast|floating point|not implemented for '/i, 'ERR_DTYPE'],
  [/shape|size|dimension|dim\b|out of range|broadcast|numel|elements|\b[1-5]D\b/i, 'ERR_SHAPE'],
];

/** What libtorch advises Python's users to write, as it is written here. */
const advice: [RegExp, string][] = [
  [
    / does not have a deterministic implementation, but you set .*$/s,
    ' has no deterministic version, and torch.useDeterministicAlgorithms(true), or a training with `deterministic`, allows no other. ' +
      'Use another operator, or switch the mode off for this one.',
  ],
  [/retain_graph=True/g, 'retainGraph: true'],
  [/torch\.autograd\.set_detect_anomaly\(True(, check_nan=False)?\)/g, 'torch.autograd.detectAnomaly'],
  [/torch\.no_grad\(\)/g, 'torch.noGrad'],
  [/requires_grad/g, 'requiresGrad'],
];

function inOurWords(message: string): string {
  return advice.reduce((text, [theirs, ours]) => text.replace(theirs, ours), message);
}

/**
 * Makes the error for a native failure. `nativeTrace` gives libtorch's message with its C++ trace, which takes milliseconds
 * to put into words; it becomes `cause` when that is first read.
 */
export type NativeErrorFactory = (
  code: string,
  message: string,
  nativeTrace: (() => string) | undefined,
) => TorchwrightError;

export const nativeErrorFactory: NativeErrorFactory = (code, message, nativeTrace) => {
  const kind = code === 'ERR_TORCH' ? (wordsOfTorch.find(([words]) => words.test(message))?.[1] ?? code) : code;
  const ErrorOfKind = classByCode.get(kind) ?? TorchError;
  const error = new ErrorOfKind(inOurWords(message));
  if (nativeTrace !== undefined) {
    let cause: Error | undefined;
    Object.defineProperty(error, 'cause', { get: () => (cause ??= new Error(nativeTrace())), configurable: true });
  }
  return error;
};

/** Turns the loader's bare message into one that says what is missing and how to get it. */
export function describeLoadFailure(error: unknown): LoadError {
  const reason = error instanceof Error ? error.message : String(error);
  const advice = /No native build was found/.test(reason)
    ? 'The native addon has not been built. Run `npx torchwright build` (`npx torchwright doctor` says what is missing).'
    : 'The native addon could not be loaded. `npx torchwright doctor` diagnoses it; `npx torchwright build` builds it anew.';
  return new LoadError(`${advice}\n${reason}`, { cause: error });
}
