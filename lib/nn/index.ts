/** Modules: the base class, ordinary layers, and the wrapper of native ones. */
export { functional, type Functional } from './functional';
export * as init from './init';
export * from './layers';
export { checkMemory } from './memory';
export { readJson, readJsonIfAny } from './model-folder';
export { Module, type Member } from './module/module';
export { NativeModule, type NativeModuleOptions, type RunOptions } from './native-module';
export { Buffer, Parameter } from './module/parameter';
export type { LoadResult, StateDict } from './module/state';
export type { TranslationModel } from './translation-model';
