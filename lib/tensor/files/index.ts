/** Tensors in files: safetensors, NumPy's npy and npz, and those of torch.save. */
export { inspectPytorch, loadPytorch, type LoadPytorchOptions, type PytorchFile } from './pytorch-file';
export { PytorchStorage, PytorchTensor, type PytorchValue } from './pytorch-value';
export { savePytorch, type SavePytorchOptions } from './pytorch-writer';
export {
  inspectSafetensors,
  loadSafetensors,
  saveSafetensors,
  type LoadSafetensorsOptions,
  type SafetensorsEntry,
  type SafetensorsFile,
  type SaveSafetensorsOptions,
} from './safetensors';
