/** What crosses between the two languages. */

/** Names an `at::Tensor` of this environment. Never zero. */
export type Handle = number;
/** Names an operator overload of the loaded libtorch. */
export type OperatorId = number;
/** Names a native object (module, optimiser, generator, token file, loader, trainer) of this environment. */
export type ObjectId = number;
/** Names a cancellation flag: see `tokenCreate`. 0 stands for "cannot be cancelled". */
export type CancelToken = number;

/** One argument of an operator, as libtorch's schema states it. */
export interface NativeArgument {
  name: string;
  /** The schema's type: `Tensor`, `Tensor?`, `Tensor[]`, `int`, `SymInt[]`, `Scalar`, `ScalarType?`, `str`, ... */
  type: string;
  keywordOnly: boolean;
  /** Present when the argument may be left out; how the schema prints the default value. */
  defaultValue?: string;
  /** The operator writes into this argument (`Tensor(a!)`). */
  written: boolean;
}

export interface NativeReturn {
  /** Empty where the schema gives none. */
  name: string;
  type: string;
  /** Index of the argument that this result *is* (in-place operators). Such results come back as `undefined`. */
  argument?: number;
}

/** One overload of an operator. */
export interface NativeSchema {
  id: OperatorId;
  /** Qualified name, such as `aten::add`. */
  name: string;
  overload: string;
  arguments: NativeArgument[];
  returns: NativeReturn[];
}

/** Names an overload together with how the values of a call of it are written: see `plan`. */
export type PlanId = number;

/**
 * A result as it crosses: by the schema's type a `Handle` for a Tensor (null for an absent one), an array of handles for
 * Tensor[], number, bigint, boolean or `{ re, im }` for Scalar, number or bigint for int, number for float, string for
 * str, ScalarType (`'float32'`) and Device (`'cuda:0'`), arrays of these for lists.
 */
export type NativeValue = unknown;

export interface NativeVersions {
  /** libtorch the addon was compiled against, such as `2.13.0`. */
  compiled: string;
  /** libtorch that is loaded; empty where it does not say. */
  loaded: string;
  napi: number;
}

export interface NativeMemory {
  /** Live handles. */
  tensors: number;
  /** Bytes of the distinct storages behind them, by device (`cpu`, `cuda:0`). */
  bytes: Record<string, number>;
}

export interface NativeAdamSettings {
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  /** Shrinks the weights themselves (AdamW); otherwise the decay is part of the gradient (Adam). */
  decoupled: boolean;
  amsgrad: boolean;
  maximize: boolean;
  /** Adds epsilon to the root of the second moment before its bias correction (fairseq's Adam), not after it. */
  epsilonBeforeCorrection: boolean;
}

/** `maxExpAvgSq` with `amsgrad` only. */
export interface NativeAdamState {
  step: number;
  expAvg: Handle;
  expAvgSq: Handle;
  maxExpAvgSq?: Handle;
}

/** Parameters of one device and dtype that have a gradient, by their places in the list given. The caller frees the gradients. */
export interface NativeGradients {
  positions: number[];
  gradients: Handle[];
}

/** One batch. The caller frees the inputs. */
export interface NativeBatch {
  /** What the module's `loss` and `evaluate` take. */
  inputs: (Handle | null)[];
  /** Blocks, or sentence pairs. */
  samples: number;
  /** Tokens that are predicted. */
  targets: number;
  /** Tokens read, without padding. */
  tokens: number;
}

/** The sentences of both languages: sentence i is the tokens from `offsets[i]` up to `offsets[i + 1]`, back to back, without end marks. */
export interface NativePairBatchesOptions {
  sourceOffsets: Float64Array;
  targetOffsets: Float64Array;
  paddingId: number;
  eosId: number;
  device: string;
}

/** With no target in the whole step there is no update, and losses and norm are 0. */
export interface NativeTrainStep {
  /** The module's `loss`, a mean over all targets of the step. */
  loss: number;
  /** Mean cross-entropy: the second result of the module's `loss` where it gives one (label smoothing), else equal to `loss`. */
  nll: number;
  /** L2 norm of all gradients before clipping. */
  gradNorm: number;
  /** Samples (blocks, pairs) consumed by this step, tokens predicted, and tokens read. */
  samples: number;
  targets: number;
  tokens: number;
  /** Seconds: of getting the batches, by the host's clock; of the others, on a GPU, by the device's own. */
  split: { data: number; forward: number; backward: number; optimizer: number };
  /** What was not finite, if anything was, and the first parameter, in the module's order, whose weights or gradients are at fault;
   *  null where each gradient is finite by itself, and only their norm is not. */
  nonFinite: { what: 'weight' | 'loss' | 'gradient'; parameter: string | null } | null;
  /** With `lossScale`: the scale that this step was made with. */
  scale?: number;
}

/** The state of a GradScaler, with scalar tensors on the module's device, float32 and int32. */
export interface NativeLossScale {
  scale: Handle;
  growthTracker: Handle;
  growthFactor: number;
  backoffFactor: number;
  growthInterval: number;
}

export interface NativeEvaluation {
  /** Mean cross-entropy over the batch's predictions; 0 when there are none. */
  loss: number;
  /** Predictions that equal their label, and predictions made. */
  correct: number;
  predicted: number;
  samples: number;
}

export interface NativeDecodingFeed {
  /** The same number of new tokens for each row, row by row. */
  tokens: Int32Array;
  /** For each new row the former one it continues, or null to go on as before: whole sentences, each with rows of its own. */
  order: Int32Array | null;
}

export interface NativeDecodingStep extends NativeDecodingFeed {
  /** How many of the best next tokens are wanted. */
  candidates: number;
  /** Ids that must not be chosen. */
  banned: Int32Array;
  /** The one id to consider, or null. */
  only: number | null;
}

/** `[rows, columns]`, best first; fewer columns than asked for where the vocabulary, less what is banned, holds no more. */
export interface NativeCandidates {
  ids: Int32Array;
  /** Natural logarithms, of a softmax over the whole vocabulary. */
  logProbabilities: Float32Array;
}

/** How the next token of each row is drawn; the rules apply in the order in which they stand here, as transformers has them. */
export interface NativeSampling {
  /** Scores of seen tokens are divided by it where positive and multiplied where negative; 1 changes nothing. */
  repetitionPenalty: number;
  /** Scores are divided by it; 0 takes the best token. */
  temperature: number;
  /** Only so many of the best tokens, and those as good as the last of them; 0 for no limit. */
  topK: number;
  /** The fewest of the best tokens that have this share of the probability. */
  topP: number;
  /** Only tokens at least so likely as this share of the likeliest one. */
  minP: number;
  /** For each row a number from 0 to before 1. */
  random: Float64Array;
  /** Ids that each row has seen, each once, row by row, and where each row's end; both empty where no penalty is wanted. */
  seen: Int32Array;
  seenEnds: Int32Array;
  /** Ids that must not come out. */
  banned: Int32Array;
}

/** One token for each row. */
export interface NativeDrawn {
  ids: Int32Array;
  /** Natural logarithms of their probabilities by the scores as they came, before any rule. */
  logProbabilities: Float32Array;
}

/** In bytes, for the whole process. */
export interface NativeDeviceMemory {
  allocated: number;
  peak: number;
  reserved: number;
  free: number;
  total: number;
}

/** Where a file holds a tensor, row-major. */
export interface NativeTensorPlace {
  dtype: string;
  shape: number[];
  offset: number;
  /** Only this part: from and to for each dimension. */
  window?: [from: number, to: number][] | undefined;
  /** The CRC-32 its bytes must make, together with bytes before them whose CRC-32 is `before`. */
  checksum?: { before: number; expected: number } | undefined;
}

/** What native code calls: see tensor/autograd/callbacks.ts. */
export interface NativeCallbacks {
  /** Calls a held function. A number stands for an error that it threw, held. */
  call(
    number: number,
    modes: number,
    task: number,
    extra: number,
    handles: readonly (Handle | null)[],
  ): readonly (Handle | null)[] | number | undefined;
  release(numbers: readonly number[]): void;
  valueOf(number: number): unknown;
  stack(): string;
}

/** A function written in JavaScript, whose forward pass has been run. */
export interface NativeFunctionCall {
  name: string;
  /** The arguments of forward; null for those that are no tensors. */
  inputs: (Handle | null)[];
  /** What it gave; null for what is no tensor. */
  outputs: (Handle | null)[];
  /** Inputs changed in place, outputs without a derivative, and tensors for the backward pass. */
  dirty: Handle[];
  nonDifferentiable: Handle[];
  saved: Handle[];
  /** The held function that gives the gradients; null when nothing is to be recorded. */
  backward: number | null;
  /** Whether gradients that are not there come as zeros. */
  materialize: boolean;
}
