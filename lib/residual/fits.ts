/** Whether a model can be made on this machine at all. */
import { checkMemory as checkModelMemory, type NativeModuleOptions } from '../nn';
import type { ModelConfig } from './config';
import { countParameters } from './parameters';

/** @throws OutOfMemoryError naming the sizes of a model beyond all memory */
export function checkMemory(config: ModelConfig, placement: NativeModuleOptions): void {
  const { vocabSize, hiddenSize, intermediateSize, numHiddenLayers } = config;
  checkModelMemory(countParameters(config), placement, { vocabSize, hiddenSize, intermediateSize, numHiddenLayers });
}
