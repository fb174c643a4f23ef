/** Assembles the `torch` object of this room; `nn` and `optim` join it above. */
import { enableGrad, isGradEnabled, noGrad } from './context';
import { tensor } from './creation';
import { cuda } from './device';
import { memory } from './memory';
import { operator } from './operator';
import { Generator, manualSeed } from './random';
import { scope } from './scope';
import { operatorFunctions } from './surface';
import { Tensor } from './tensor';

/** Tensors and operators: `torch.tensor`, `torch.scope`, every operator (`torch.zeros`, `torch.add`, `torch.linalg.norm`, ...). */
export const torch = {
  ...operatorFunctions,
  tensor,
  scope,
  noGrad,
  enableGrad,
  isGradEnabled,
  manualSeed,
  memory,
  operator,
  cuda,
  Tensor,
  Generator,
};
