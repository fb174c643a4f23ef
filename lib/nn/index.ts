/** Modules: the base class, ordinary layers, and the wrapper of native ones. */
export { functional, type Functional } from './functional';
export * as init from './init';
export * from './layers';
export { checkMemory } from './memory';
export { readJson, readJsonIfAny } from './model-folder';
export type { Gradients } from './module/backward-hooks';
export type { HookOptions, RemovableHandle } from './module/hooks';
export { Module, type Inputs, type Member, type Output } from './module/module';
export { NativeModule, type NativeModuleOptions, type RunOptions } from './native-module';
export { Buffer, Parameter } from './module/parameter';
export type { Placement } from './module/placement';
export type { LoadOptions, LoadResult, StateDict } from './module/state';
export type { ListOptions, TensorListOptions } from './module/tree';
export * as utils from './utils';
export type { PackedSequence } from './sequences/packed';
export type { TranslationModel } from './translation-model';
