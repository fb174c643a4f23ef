/** Assembles the `torch` object of this room; `nn` and `optim` join it above. */
import { autograd } from './autograd';
import { compositeFunctions } from './composites';
import { tensor } from './creation';
import { areDeterministicAlgorithmsEnabled, useDeterministicAlgorithms } from './determinism';
import { cuda } from './device';
import { load, save } from './files';
import { assertNoLeaks, leaks, traceLeaks } from './leaks';
import { memory } from './memory';
import {
  autocast,
  enableGrad,
  inferenceMode,
  isAutocastEnabled,
  isGradEnabled,
  isInferenceModeEnabled,
  noGrad,
  setGradEnabled,
} from './modes';
import { operator } from './operator';
import { getPrintOptions, setPrintOptions } from './printing';
import { profile } from './profile';
import { Generator, manualSeed } from './random';
import { forkRng, getRngState, setRngState } from './random-state';
import { scope } from './scope';
import { fromBuffer } from './sharing';
import { operatorFunctions } from './surface';
import { Tensor } from './tensor';

/** Tensors and operators: `torch.tensor`, `torch.scope`, every operator (`torch.zeros`, `torch.add`, `torch.linalg.norm`, ...). */
export const torch = {
  ...operatorFunctions,
  ...compositeFunctions,
  tensor,
  fromBuffer,
  load,
  save,
  scope,
  noGrad,
  enableGrad,
  setGradEnabled,
  isGradEnabled,
  inferenceMode,
  isInferenceModeEnabled,
  autocast,
  isAutocastEnabled,
  autograd,
  manualSeed,
  getRngState,
  setRngState,
  forkRng,
  useDeterministicAlgorithms,
  areDeterministicAlgorithmsEnabled,
  memory,
  profile,
  debug: { traceLeaks, leaks },
  assertNoLeaks,
  operator,
  getPrintOptions,
  setPrintOptions,
  cuda,
  Tensor,
  Generator,
};
