/** Assembles `torch.autograd`. */
import { detectAnomaly, isAnomalyEnabled } from './anomaly';
import { checkpoint } from './checkpoint';
import { Function, onceDifferentiable } from './function';
import { hessian, hvp, jacobian, jvp, vjp } from './functional';
import { gradcheck, gradgradcheck } from './gradcheck';
import { backward, grad } from './gradients';
import { saveOnCpu, savedTensorsHooks } from './saved';

/** Gradients, functions of one's own, checkpointing, and what helps to find mistakes in them. */
export const autograd = {
  backward,
  grad,
  Function,
  onceDifferentiable,
  checkpoint,
  detectAnomaly,
  isAnomalyEnabled,
  gradcheck,
  gradgradcheck,
  graph: { savedTensorsHooks, saveOnCpu },
  functional: { jacobian, hessian, vjp, jvp, hvp },
};
