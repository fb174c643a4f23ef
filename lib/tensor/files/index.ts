/** Tensors in files: safetensors, NumPy's npy and npz, and those of torch.save. */
export { loadNpy, saveNpy, type FileOptions } from './npy';
export { loadNpz, saveNpz, type LoadNpzOptions, type SaveNpzOptions } from './npz';
export {
  inspectPytorch,
  load,
  loadPytorch,
  type LoadedValue,
  type LoadPytorchOptions,
  type PytorchFile,
} from './pytorch-file';
export { PytorchStorage, PytorchTensor, type PytorchValue } from './pytorch-value';
export { save, savePytorch, type SavableValue, type SavePytorchOptions } from './pytorch-writer';
export {
  loadSafetensors,
  saveSafetensors,
  type LoadSafetensorsOptions,
  type SaveSafetensorsOptions,
} from './safetensors';
export { inspectSafetensors, type SafetensorsEntry, type SafetensorsFile } from './safetensors-header';
export {
  openSafetensors,
  SafetensorsReader,
  type OpenSafetensorsOptions,
  type ReadTensorOptions,
} from './safetensors-reader';
export {
  divide,
  isWeightFile,
  loadShardedSafetensors,
  saveShardedSafetensors,
  weightFiles,
  writeShards,
  type SaveShardedSafetensorsOptions,
} from './safetensors-shards';
