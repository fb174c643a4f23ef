/** What modules own: parameters, which are trained, and buffers, which are not. Both outlive every scope. */
import { ArgumentError } from '../../errors';
import { native, type Handle } from '../../native';
import { Tensor } from '../../tensor';

/** What native modules say of their own tensors. */
interface Adopted {
  /** Is the very tensor, not another on its memory: what is trained natively has its gradients there. */
  sameTensor?: boolean;
}

/** A leaf on the memory of `source` under a handle of the module's own. */
function owned(source: Tensor, options: Adopted): Handle {
  if (!(source instanceof Tensor)) throw new ArgumentError('Parameters and buffers are made of tensors.');
  if (options.sameTensor === true) return native.alias(source.handle);
  const leaf = source.detach();
  const handle = native.alias(leaf.handle);
  leaf.dispose();
  return handle;
}

/** A tensor that a module trains. Assigned to a property of a module it is found by `parameters()` and `stateDict()`. */
export class Parameter extends Tensor {
  /** @param source its memory is shared, not copied; any dtype that can have gradients */
  constructor(source: Tensor, options: { requiresGrad?: boolean } & Adopted = {}) {
    super(owned(source, options));
    this.keep();
    this.requiresGrad = options.requiresGrad ?? true;
  }
}

/** A tensor that belongs to a module's state but is not trained, such as a running mean. */
export class Buffer extends Tensor {
  /** Whether `stateDict()` holds it. */
  readonly persistent: boolean;

  constructor(source: Tensor, options: { persistent?: boolean } & Adopted = {}) {
    super(owned(source, options));
    this.keep();
    this.persistent = options.persistent ?? true;
  }
}
