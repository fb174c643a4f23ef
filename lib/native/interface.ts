/** What the addon offers. Only `index.ts` has it; a line in `native/addon.cc` stands behind each function. */
import type { NativeErrorFactory } from '../errors';
import type {
  Handle,
  OperatorId,
  ObjectId,
  CancelToken,
  NativeSchema,
  PlanId,
  NativeValue,
  NativeVersions,
  NativeMemory,
  NativeAdamSettings,
  NativeAdamState,
  NativeGradients,
  NativeBatch,
  NativePairBatchesOptions,
  NativeLossScale,
  NativeTrainStep,
  NativeEvaluation,
  NativeDecodingFeed,
  NativeDecodingStep,
  NativeCandidates,
  NativeSampling,
  NativeDrawn,
  NativeDeviceMemory,
  NativeTensorPlace,
  NativeCallbacks,
  NativeFunctionCall,
} from './values';

export interface Native {
  // environment ---------------------------------------------------------------------------------------------------
  /** Hands in the maker of errors. Called once, as the addon is loaded. */
  initialize(makeError: NativeErrorFactory): void;
  versions(): NativeVersions;
  /** Whether the CUDA library is there, loaded and finds at least one device; how many. Tries to open it on first call. */
  cudaDeviceCount(): number;
  setThreads(count: number): void;
  threads(): number;
  memory(): NativeMemory;
  deviceMemory(device: string): NativeDeviceMemory;
  resetPeak(device: string): void;
  /** Gives freed memory that libtorch keeps for later back to the system. */
  emptyCaches(): void;
  /** Makes V8 look for garbage now; finalisers run in later turns of the event loop. */
  collectGarbage(): void;
  /** Whether operators must give the same bits for the same inputs, in the whole process. */
  determinism(): { enabled: boolean; warnOnly: boolean };
  setDeterminism(enabled: boolean, warnOnly: boolean): void;
  /** Seeds the default generator of every device. */
  manualSeed(seed: number | bigint): void;
  /** The state of a device's default generator, uint8. */
  rngState(device: string): Handle;
  setRngState(device: string, state: Handle): void;

  // operators -----------------------------------------------------------------------------------------------------
  /** Every operator name libtorch has registered, such as `aten::add`. */
  operatorNames(): string[];
  /** All overloads of one name; empty when there is none. */
  schemas(name: string): NativeSchema[];
  /** Hands in the memory in which `lib/tensor/frame.ts` writes the values of calls, in place of a former one. */
  useFrame(words: Float64Array): void;
  /** Prepares calls of an overload: `forms` holds for each argument of its schema the form and the slot of its value, in turn. */
  plan(id: OperatorId, forms: Uint32Array): PlanId;
  /** Calls an overload with the values in the frame. One result comes as itself, none as `undefined`, several as an array. The
   *  handle of a small tensor, one that keeps little memory alive, comes as a negative number. */
  call(plan: PlanId): NativeValue;
  /** The elements at an index, which `words` describes as lib/tensor/indexing/words.ts writes them; a view where PyTorch gives one. */
  index(tensor: Handle, ...words: number[]): Handle;
  /** Writes a value, broadcast, to the elements at an index: a tensor's, or `scalar` where `value` is null. */
  assignIndexed(tensor: Handle, value: Handle | null, scalar: NativeValue, ...words: number[]): void;

  // tensors -------------------------------------------------------------------------------------------------------
  /** Copies the view's bytes into a new tensor. The view must hold exactly the tensor's elements in `dtype`'s own format. */
  fromBuffer(view: ArrayBufferView, shape: number[], dtype: string, device: string): Handle;
  /** A tensor on the memory of an array, whose bytes it holds exactly, without a copy. The memory stays for as long as the tensor does,
   *  whatever becomes of the array's buffer. `shared`: that is a SharedArrayBuffer. */
  shareBuffer(array: Uint8Array, shared: boolean, shape: number[], dtype: string): Handle;
  /** Copies a tensor's elements, row-major, into a new ArrayBuffer, blocking. */
  readSync(tensor: Handle): ArrayBuffer;
  /** The same as a job. */
  read(token: CancelToken, tensor: Handle): Promise<ArrayBuffer>;
  free(tensor: Handle): void;
  /** Frees many at once; stale handles are ignored. */
  freeMany(tensors: Float64Array, count: number): void;
  /** A second handle to the same tensor. */
  alias(tensor: Handle): Handle;
  isLive(tensor: Handle): boolean;
  shape(tensor: Handle): number[];
  strides(tensor: Handle): number[];
  /** The storage behind a tensor: a number that names it while it lives, its bytes, and where in it, in elements, the tensor begins.
   *  null for one without, such as a sparse one. */
  storage(tensor: Handle): { id: number; bytes: number; offset: number } | null;
  dtype(tensor: Handle): string;
  device(tensor: Handle): string;
  /** How elements lie in memory: `strided`, `sparse_coo`, ... */
  layout(tensor: Handle): string;
  requiresGrad(tensor: Handle): boolean;
  setRequiresGrad(tensor: Handle, value: boolean): void;
  isLeaf(tensor: Handle): boolean;
  /** Name of the node that made it (`AddBackward0`), or null. */
  gradFn(tensor: Handle): string | null;
  grad(tensor: Handle): Handle | null;
  setGrad(tensor: Handle, grad: Handle | null): void;
  retainGrad(tensor: Handle): void;
  retainsGrad(tensor: Handle): boolean;

  // automatic differentiation ---------------------------------------------------------------------------------------
  /** The modes this thread is in, and how to change them: bits of `Mode` in tensor/context.ts. */
  modes(): number;
  setModes(modes: number): void;
  /** Adds gradients to the leaves below `roots`, or to `inputs` only where there are some. */
  backward(
    roots: Handle[],
    gradients: (Handle | null)[],
    retainGraph: boolean,
    createGraph: boolean,
    inputs: Handle[],
  ): void;
  /** Gradients of `outputs` with respect to `inputs`; null for those that are not used. */
  gradientsOf(
    outputs: Handle[],
    inputs: Handle[],
    gradients: (Handle | null)[],
    retainGraph: boolean,
    createGraph: boolean,
  ): (Handle | null)[];
  /** What anomaly detection knows of the node that failed last, with the stack where it was made; forgets it. */
  anomalyReport(): { node: string; origin: string } | null;
  /** Hands in what native code calls of tensor/autograd/callbacks.ts. Called once, there. */
  initializeCallbacks(callbacks: NativeCallbacks): void;
  /** The numbers of what native code held and has let go of since it was asked last. */
  releasedCallbacks(): number[] | null;
  /** Registers the held function for a tensor's gradient; gives its place. */
  registerHook(tensor: Handle, callback: number): number;
  removeHook(tensor: Handle, place: number): void;
  /** The same for when a leaf's gradient has been added to. */
  registerAccumulateHook(leaf: Handle, callback: number): void;
  removeAccumulateHook(leaf: Handle, callback: number): void;
  /** Puts a function of JavaScript's into the graph, after its forward pass. Gives a new handle for each output that became
   *  another tensor by it, and null for the others. */
  functionApply(call: NativeFunctionCall): (Handle | null)[];
  /** What a function saved; `running` is what its backward was given. */
  functionSaved(running: ObjectId): (Handle | null)[];
  /** Saves a tensor as the graph does: under hooks, and watched for changes in place. Freed by `objectFree`. */
  saveTensor(tensor: Handle): ObjectId;
  unpackTensor(saved: ObjectId): Handle;

  // generators ----------------------------------------------------------------------------------------------------
  generatorCreate(device: string, seed: number | bigint): ObjectId;
  generatorSeed(generator: ObjectId, seed: number | bigint): void;

  // jobs ----------------------------------------------------------------------------------------------------------
  /** A flag that a job looks at between its parts; `cancel` makes the job reject with code `ERR_ABORTED`. */
  tokenCreate(): CancelToken;
  cancel(token: CancelToken): void;
  /** Every token is released once its job has settled. */
  tokenFree(token: CancelToken): void;
  /** Resolves when all jobs queued so far have ended. */
  drain(): Promise<void>;
  /** Ends any native object; using it later is a DisposedError. */
  objectFree(object: ObjectId): void;

  // profiling -----------------------------------------------------------------------------------------------------
  /** Whether the libtorch at hand has Kineto, without which the next two make no sense. */
  profilerExists(): boolean;
  /** Begins to record the operators of this thread, and of the jobs it submits from now on. One at a time in a process. */
  profileStart(shapes: boolean, memory: boolean): ObjectId;
  /** Ends the recording at once and writes a Chrome trace, in a job; frees the profile. */
  profileStop(profile: ObjectId, file: string): Promise<void>;

  // modules -------------------------------------------------------------------------------------------------------
  moduleKinds(): string[];
  /** Makes a registered module from its plan (plain data; each kind documents its own). */
  moduleCreate(kind: string, plan: object, dtype: string, device: string): ObjectId;
  moduleParameters(module: ObjectId): [name: string, tensor: Handle][];
  moduleBuffers(module: ObjectId): [name: string, tensor: Handle][];
  /** Calls one of the kind's methods (`forward`, `loss`, `evaluate`, ...) on the calling thread. null stands for a result that is absent. */
  moduleCall(module: ObjectId, method: string, inputs: (Handle | null)[]): (Handle | null)[];
  /** The same as a job on the compute thread, under the caller's grad mode and the given autocast dtype. */
  moduleRun(
    token: CancelToken,
    module: ObjectId,
    method: string,
    inputs: (Handle | null)[],
    autocast: string | null,
  ): Promise<(Handle | null)[]>;
  moduleTrain(module: ObjectId, training: boolean): void;
  /** Moves and converts in place; the parameters' handles stay the same tensors. */
  moduleTo(module: ObjectId, device: string | null, dtype: string | null): void;

  // decoding ------------------------------------------------------------------------------------------------------
  /** Begins to decode as a job: `sentences` times `beams` rows, the rows of a sentence side by side. `inputs` are the kind's own: an
   *  encoder-decoder's source ids `[sentences, time]`; for a language model none, or `[sentences]` int64, how many tokens of padding each
   *  sentence's first step begins with. `capacity`: tokens expected, not a limit. */
  decodingCreate(
    token: CancelToken,
    module: ObjectId,
    inputs: (Handle | null)[],
    sentences: number,
    beams: number,
    capacity: number,
  ): Promise<ObjectId>;
  /** Feeds new tokens to every row and gives the best next ones, as a job. */
  decodingStep(token: CancelToken, decoding: ObjectId, step: NativeDecodingStep): Promise<NativeCandidates>;
  /** Feeds new tokens to every row and draws the next ones, as a job. */
  decodingSample(
    token: CancelToken,
    decoding: ObjectId,
    step: NativeDecodingFeed & NativeSampling,
  ): Promise<NativeDrawn>;
  /** Feeds new tokens to every row and gives the scores of the next ones, `[rows, vocabulary]`, as a job. */
  decodingScores(token: CancelToken, decoding: ObjectId, step: NativeDecodingFeed): Promise<Handle>;
  /** Draws a token for each row of scores `[rows, vocabulary]`. */
  sampleTokens(scores: Handle, sampling: NativeSampling): NativeDrawn;

  // optimisers ----------------------------------------------------------------------------------------------------
  /** Adam without parameters yet. */
  adamCreate(): ObjectId;
  adamAddGroup(optimizer: ObjectId, parameters: Handle[], settings: NativeAdamSettings): void;
  /** Fused update of every parameter that has a gradient. `settings`: for each group. */
  adamStep(optimizer: ObjectId, settings: NativeAdamSettings[]): void;
  /** Step count and moments of each parameter, in the groups' order; null before its first update. */
  adamState(optimizer: ObjectId): (NativeAdamState | null)[];
  adamLoadState(optimizer: ObjectId, state: (NativeAdamState | null)[]): void;
  /** In buckets for calls of list kernels. */
  gradients(parameters: Handle[]): NativeGradients[];
  forgetGradients(parameters: Handle[]): void;
  /** Tells autograd that these were written to, as the fused kernels do not. */
  bumpVersions(tensors: Handle[]): void;
  /** Whether the tensors at the same place of each list lie alike in memory, as the fused kernels take for granted. */
  alike(...lists: Handle[][]): boolean;
  /** The place of the first handle of a tensor that stands before it already, perhaps under another handle; null where there is none. */
  firstRepeated(tensors: Handle[]): number | null;
  /** The norm of the tensors' norms. */
  totalNorm(tensors: Handle[], normType: number): number;
  /** Scales all gradients so that their total norm is at most `maxNorm`; returns the norm before. */
  clipGradNorm(parameters: Handle[], maxNorm: number, normType: number, errorIfNonFinite: boolean): number;

  // token files and batches ------------------------------------------------------------------------------------------
  /** Maps a file of little-endian token ids, `dtype` `uint16` or `uint32`. */
  tokensOpen(file: string, dtype: 'uint16' | 'uint32'): { id: ObjectId; length: number };
  /** The largest id in the file; a job, since it reads all of it. */
  tokensMaximum(token: CancelToken, tokens: ObjectId): Promise<number>;
  /** Batches of blocks, made ahead of time on a thread of their own. `offsets[i]` is the first token of block i. With a seed, the
   *  order of epoch e is the permutation `torch.randperm` draws after seeding with `seed + e`; without, file order. The last batch of an epoch may be short. */
  batchesCreate(
    tokens: ObjectId,
    offsets: Float64Array,
    blockSize: number,
    batchSize: number,
    seed: number | null,
    device: string,
  ): ObjectId;
  /** Continues at this epoch and batch; batches of blocks only. */
  batchesSeek(batches: ObjectId, epoch: number, batch: number): void;
  /** Batches of blocks that are put in before they are taken. Taking one when none is left is a DataError. */
  blockQueueCreate(vocabSize: number, device: string): ObjectId;
  /** Appends a batch: the tokens of its blocks, equally many of each, one behind the other. @throws DataError for ids beyond the vocabulary */
  blockQueuePut(queue: ObjectId, ids: Uint32Array, blocks: number): void;
  /** Batches of sentence pairs, made ahead of time on a thread of their own from what was queued. Inputs, int64: the source with an
   *  end mark, padded on the left; the target behind an end mark, and the target with one behind it, both padded on the right. */
  pairBatchesCreate(source: ObjectId, target: ObjectId, options: NativePairBatchesOptions): ObjectId;
  /** Appends batches: `order` holds sentence numbers, `ends` the exclusive end of each batch in it. Taking a batch when none is left
   *  is a DataError. */
  pairBatchesQueue(batches: ObjectId, order: Int32Array, ends: Int32Array): void;
  /** The next batch of either kind. Blocks give `[samples, blockSize]` int64 ids, and null for labels. */
  batchesNext(token: CancelToken, batches: ObjectId): Promise<NativeBatch>;

  // training --------------------------------------------------------------------------------------------------------
  /**
   * One whole training step as a job: so many micro-batches, forward, backward, clip, update. Where loss or gradients are not finite,
   * weights and optimiser stay as they are; the loss scale is lowered.
   */
  trainStep(
    token: CancelToken,
    step: {
      module: ObjectId;
      batches: ObjectId;
      optimizer: ObjectId;
      microBatches: number;
      learningRates: number[];
      maxGradNorm: number | null;
      autocast: string | null;
      /** Scales the loss for the backward pass, and changes as its rules say. */
      lossScale: NativeLossScale | null;
    },
  ): Promise<NativeTrainStep>;
  /** One evaluation batch as a job: the module's `evaluate` on the next batch, without gradients. */
  evaluateBatch(
    token: CancelToken,
    module: ObjectId,
    batches: ObjectId,
    autocast: string | null,
  ): Promise<NativeEvaluation>;

  /** Operations a second that the device's matrix products reach in this dtype, a multiply-add as two. Measured once in a process,
   *  by a job of a tenth of a second. */
  matrixPeak(token: CancelToken, device: string, dtype: string): Promise<number>;

  // files -----------------------------------------------------------------------------------------------------------
  /** CRC-32 of bytes that follow those whose CRC-32 is `before`; 0 for none. */
  crc32(before: number, bytes: Uint8Array): number;
  /** Opens a file for `tensorsLoad`: the same one is read also when another takes its name. */
  fileOpen(file: string): ObjectId;
  /** Takes a folder for itself until it is freed or the process ends, however; null where another one has it. */
  folderLock(folder: string): ObjectId | null;
  /** Copies tensors out of a file, by its name or opened, to `device`, as a job; `offset` counts from the file's start. */
  tensorsLoad(
    token: CancelToken,
    file: string | ObjectId,
    places: NativeTensorPlace[],
    device: string,
  ): Promise<Handle[]>;
  /** Maps a file's pages into memory; what is written there never reaches the file. */
  fileMap(file: string): ObjectId;
  /** A tensor on the pages of a mapped file, without reading them yet. Where the file becomes shorter later, whatever reads the tensor
   *  is a CheckpointError. */
  tensorsMap(file: ObjectId, place: NativeTensorPlace): [Handle];
  /** Creates `file` (which must not exist) with `header` followed by the tensors' bytes, and syncs it, as a job. What is
   *  not finished is removed. The caller gives a temporary name and renames. */
  tensorsSave(token: CancelToken, file: string, header: Uint8Array, tensors: Handle[]): Promise<void>;
}
