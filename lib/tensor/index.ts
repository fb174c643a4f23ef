/** Tensors, autograd, operators, scopes, devices, random numbers. */
export { applyGradMode, enableGrad, isGradEnabled, noGrad } from './context';
export { tensor, type TensorData, type TensorOptions } from './creation';
export { checkDevice, cuda, isDevice, type Device } from './device';
export { checkDtype, dtypes, isDtype, type Complex, type DataArray, type Dtype, type TypedArray } from './dtype';
export type { FftOperators, LinalgOperators, SpecialOperators, TorchOperators } from './generated/operators';
export { gradcheck, type GradcheckOptions } from './gradcheck';
export { withSignal } from './job';
export type { Layout, MemoryFormat } from './kinds';
export { memory, type Memory } from './memory';
export { NativeObject } from './object';
export { operator } from './operator';
export { inspectPytorch, loadPytorch, type LoadPytorchOptions, type PytorchFile } from './pytorch-file';
export { PytorchStorage, PytorchTensor, type PytorchValue } from './pytorch-value';
export { savePytorch, type SavePytorchOptions } from './pytorch-writer';
export { Generator, manualSeed } from './random';
export {
  inspectSafetensors,
  loadSafetensors,
  saveSafetensors,
  type LoadSafetensorsOptions,
  type SafetensorsEntry,
  type SafetensorsFile,
  type SaveSafetensorsOptions,
} from './safetensors';
export { scope } from './scope';
export type { FactoryOptions, Integer, Integers, Scalar } from './signature';
export { Tensor, wrap, type BackwardOptions, type ToOptions } from './tensor';
export { torch } from './torch';
export type { Element, NestedArray, ReadOptions } from './values';
