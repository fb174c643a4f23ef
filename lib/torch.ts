/** The `torch` object of the package: tensors and operators, with `nn` and `optim` as PyTorch has them. */
import * as nn from './nn';
import * as optim from './optim';
import { torch as tensors } from './tensor';

/** `torch.tensor`, `torch.scope`, every operator, `torch.nn`, `torch.optim`. */
export const torch = { ...tensors, nn, optim };
