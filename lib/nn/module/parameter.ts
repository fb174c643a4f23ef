/** What modules own: parameters, which are trained, and buffers, which are not. Both outlive every scope. */
import { native, type Handle } from '../../native';
import { Tensor } from '../../tensor';

/** The same leaf under a handle of the module's own; of a computed tensor, a leaf that shares its memory. */
function owned(source: Tensor): Handle {
  if (source.isLeaf) return native.alias(source.handle);
  const leaf = source.detach();
  const handle = native.alias(leaf.handle);
  leaf.dispose();
  return handle;
}

/** A tensor that a module trains. Assigned to a property of a module it is found by `parameters()` and `stateDict()`. */
export class Parameter extends Tensor {
  /** @param source its memory is shared, not copied; any dtype that can have gradients */
  constructor(source: Tensor, options: { requiresGrad?: boolean } = {}) {
    super(owned(source));
    this.keep();
    this.requiresGrad = options.requiresGrad ?? true;
  }
}

/** A tensor that belongs to a module's state but is not trained, such as a running mean. */
export class Buffer extends Tensor {
  /** Whether `stateDict()` holds it. */
  readonly persistent: boolean;

  constructor(source: Tensor, options: { persistent?: boolean } = {}) {
    super(owned(source));
    this.keep();
    this.persistent = options.persistent ?? true;
  }
}
