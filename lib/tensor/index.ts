/** Tensors, autograd, operators, scopes, devices, random numbers. */
// Give Tensor its methods, also where nobody asks for what these export.
import './indexing';
import './surface';

export { autograd } from './autograd';
export type { AnomalyOptions } from './autograd/anomaly';
export type { CheckpointOptions } from './autograd/checkpoint';
export type { FunctionClass, FunctionContext, InputGradients } from './autograd/function';
export type { FunctionalOptions } from './autograd/functional';
export { gradcheck, gradgradcheck, type GradcheckOptions } from './autograd/gradcheck';
export type { GradOptions } from './autograd/gradients';
export type { HookHandle } from './autograd/hooks';
export { applyModes } from './context';
export { composite, elementsOf, functionsOf, type Composite } from './composites';
export { tensor, type TensorData, type TensorOptions } from './creation';
export {
  areDeterministicAlgorithmsEnabled,
  deterministicScope,
  useDeterministicAlgorithms,
  type DeterminismOptions,
} from './determinism';
export { checkDevice, cuda, isDevice, type Device } from './device';
export {
  checkDtype,
  dtypeBytes,
  dtypes,
  isDtype,
  type Complex,
  type DataArray,
  type Dtype,
  type TypedArray,
} from './dtype';
export * from './files';
export type { FftOperators, LinalgOperators, SpecialOperators, TorchOperators } from './generated/operators';
export { slice, Slice, type Bound, type Index, type IndexArray } from './indexing';
export { withSignal } from './job';
export type { Layout, MemoryFormat } from './kinds';
export { assertNoLeaks, leaks, traceLeaks, type Leak } from './leaks';
export { memory, retryingForMemory, type DeviceMemory, type Memory } from './memory';
export { NativeObject } from './object';
export {
  autocast,
  enableGrad,
  inferenceMode,
  isAutocastEnabled,
  isGradEnabled,
  isInferenceModeEnabled,
  noGrad,
  setGradEnabled,
  type AutocastOptions,
} from './modes';
export { operator } from './operator';
export { getPrintOptions, setPrintOptions, type PrintOptions } from './printing';
export { profile, Recording, type ProfileOptions } from './profile';
export { Generator, manualSeed } from './random';
export { forkRng, getRngState, setRngState } from './random-state';
export { scope } from './scope';
export { fromBuffer, type FromBufferOptions } from './sharing';
export type { FactoryOptions, Integer, Integers, Scalar } from './signature';
export { Tensor, wrap, type BackwardOptions, type ToOptions } from './tensor';
export { torch } from './torch';
export type * from './types';
export type { Element, NestedArray, ReadOptions } from './values';
