/** Modules: the base class, ordinary layers, and the wrapper of native ones. */
export { functional, type Functional } from './functional';
export {
  Dropout,
  Embedding,
  GELU,
  LayerNorm,
  Linear,
  ReLU,
  RMSNorm,
  Sequential,
  Sigmoid,
  SiLU,
  Tanh,
  type Layer,
  type LayerOptions,
} from './layers';
export { checkMemory } from './memory';
export { readJson, readJsonIfAny } from './model-folder';
export { Module, type Member } from './module/module';
export { NativeModule, type NativeModuleOptions, type RunOptions } from './native-module';
export { Buffer, Parameter } from './module/parameter';
export type { LoadResult, StateDict } from './module/state';
export type { TranslationModel } from './translation-model';
