/** What the graph saves for its derivatives, kept in another form: PyTorch's `torch.autograd.graph`. */
import { checkArgument } from '../../arguments';
import { ArgumentError } from '../../errors';
import { native, type Handle } from '../../native';
import { applyModes, currentContext, Mode, runIn, type SavedTensorPacker } from '../context';
import { scope } from '../scope';
import { Tensor, wrap } from '../tensor';

/** Runs `fn`; what the graph saves meanwhile goes through `packer`. */
export function packingBy<T>(packer: SavedTensorPacker, modes: number, fn: () => T): T {
  const { scope: current } = currentContext();
  try {
    return runIn({ scope: current, modes: modes | Mode.SavedTensorHooks, packer }, fn);
  } finally {
    applyModes();
  }
}

/**
 * Runs `fn`; each tensor that operators in it save for their derivatives is given to `pack`, and what that makes of it to `unpack`
 * when the backward pass wants the tensor. What `pack` gives lives as long as the graph; a tensor in it is out of every scope.
 * Jobs on the compute thread save as they always do.
 * @param unpack gives a tensor of the shape and dtype, and on the device, of the one that was packed
 */
export function savedTensorsHooks<Packed, T>(
  pack: (tensor: Tensor) => Packed,
  unpack: (packed: Packed) => Tensor,
  fn: () => T,
): T {
  checkArgument(pack, 'function', 'The first argument of savedTensorsHooks');
  checkArgument(unpack, 'function', 'The second argument of savedTensorsHooks');
  const packer: SavedTensorPacker = (saved) => {
    // Outside every scope, for the graph may outlive them all.
    const packed = runIn({ ...currentContext(), scope: undefined }, () => scope(() => pack(wrap(saved))));
    const unpacker = () =>
      scope((): readonly [Handle] => {
        const tensor: unknown = unpack(packed);
        if (tensor instanceof Tensor) return [native.alias(tensor.handle)];
        throw new ArgumentError('savedTensorsHooks: unpack must give a tensor.');
      });
    return Object.assign(unpacker, { release: () => disposeAll(packed) });
  };
  return packingBy(packer, currentContext().modes, fn);
}

/** Runs `fn`; what the graph saves meanwhile waits in the CPU's memory for the backward pass, and not on the GPU. */
export function saveOnCpu<T>(fn: () => T): T {
  return savedTensorsHooks(
    (tensor) => ({ device: tensor.device, copy: tensor.to('cpu') }),
    ({ device, copy }) => copy.to(device),
    fn,
  );
}

/** Tensors that a packed value is, or holds in an array or a plain object. */
function disposeAll(packed: unknown): void {
  if (packed instanceof Tensor) packed.dispose();
  else if (typeof packed === 'object' && packed !== null) {
    for (const value of Object.values(packed)) if (value instanceof Tensor) value.dispose();
  }
}
