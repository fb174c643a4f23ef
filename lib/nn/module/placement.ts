/** Moves the tensors of modules to another dtype or device while they stay the same tensors. */
import { inspect } from 'node:util';

import { ArgumentError } from '../../errors';
import {
  checkDevice,
  checkDtype,
  isDevice,
  isDtype,
  noGrad,
  scope,
  Tensor,
  type Device,
  type Dtype,
} from '../../tensor';

/** Where and as what a module's tensors are kept; what is left out stays as it is. */
export interface Placement {
  dtype?: Dtype;
  device?: Device;
}

/** @throws ArgumentError for what is no placement of a module */
export function toPlacement(target: Dtype | Device | Tensor | Placement): Placement {
  const placement = isDtype(target)
    ? { dtype: target }
    : isDevice(target)
      ? { device: target }
      : target instanceof Tensor
        ? { dtype: target.dtype, device: target.device }
        : target;
  if (typeof placement !== 'object' || placement === null) {
    throw new ArgumentError(
      `to() takes a dtype, a device, a tensor or { dtype, device }, not ${inspect(target, { depth: 0 })}.`,
    );
  }
  if (placement.dtype !== undefined) {
    const dtype = checkDtype(placement.dtype);
    if (!canHaveGradient(dtype)) {
      throw new ArgumentError(`A module's parameters cannot be ${dtype}; give a floating-point or complex dtype.`);
    }
  }
  if (placement.device !== undefined) checkDevice(placement.device);
  return placement;
}

/** Whether a module's `to` converts tensors of this dtype; whole numbers and booleans stay what they are. */
export function canHaveGradient(dtype: Dtype): boolean {
  return dtype.includes('float') || dtype.includes('complex');
}

/** Gives a tensor other memory, dtype and device, and its gradient too, while it stays the same leaf. */
export function placeTensor(tensor: Tensor, { dtype, device }: Placement): void {
  const options = {
    dtype: canHaveGradient(tensor.dtype) ? (dtype ?? tensor.dtype) : tensor.dtype,
    device: device ?? tensor.device,
  };
  if (options.dtype === tensor.dtype && options.device === tensor.device) return;
  scope(() =>
    noGrad(() => {
      const grad = tensor.grad;
      const moved = tensor.to(options);
      tensor.grad = null;
      tensor.setData(moved);
      if (grad !== null) tensor.grad = grad.to(options);
    }),
  );
}
