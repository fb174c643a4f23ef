/** The tensor: a small object around an integer handle, in a scope. Operators join it in `surface.ts`. */
import { inspect } from 'node:util';

import { ArgumentError, ShapeError } from '../errors';
import { native, type Handle } from '../native';
import { applyGradMode, currentContext, type Context } from './context';
import { checkDevice, isDevice, type Device } from './device';
import { checkDtype, isDtype, type DataArray, type Dtype } from './dtype';
import { describeTensor, inspectTensor } from './inspect';
import { withSignal } from './job';
import { convert } from './raw';
import { Owned } from './scope';
import { nest, read, readNumber, readSync, type NestedArray, type ReadOptions } from './values';

export interface ToOptions {
  dtype?: Dtype;
  device?: Device;
  /** Gives a copy even when nothing changes. */
  copy?: boolean;
  /** Lets a copy from pinned memory to a GPU run beside the caller's work. */
  nonBlocking?: boolean;
}

export interface BackwardOptions {
  /** Keeps the graph for another `backward`; as `createGraph` unless given. */
  retainGraph?: boolean;
  /** Records the gradients' own graph, for higher derivatives. */
  createGraph?: boolean;
}

/**
 * A tensor of libtorch. Made by `torch.tensor`, the factories (`torch.zeros`, ...) and operators, never by `new`.
 * It belongs to the `scope` in which it was made; `dispose()`, `using` and `keep()` say otherwise.
 * Any use after it was disposed throws a DisposedError.
 */
export class Tensor<out D extends Dtype = Dtype, out R extends number = number> extends Owned {
  /** Takes over a native handle; `wrap` does this for work outside this room. */
  constructor(handle: Handle, context: Context = currentContext()) {
    super(handle, context);
  }

  get shape(): number[] {
    return native.shape(this.handle);
  }

  /** Elements to step over in memory for one step in each dimension. */
  get strides(): number[] {
    return native.strides(this.handle);
  }

  get ndim(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get numel(): number {
    return this.shape.reduce((product, size) => product * size, 1);
  }

  /** Element type. Operators can yield types beyond `Dtype` (quantised, 8-bit floats); those cannot be read back as they are. */
  get dtype(): Dtype {
    return native.dtype(this.handle) as Dtype;
  }

  get device(): Device {
    return native.device(this.handle) as Device;
  }

  /** Size of one dimension; negative ones count from the end. @throws ShapeError when there is no such dimension */
  size(dim: number): number {
    const shape = this.shape;
    const size = shape.at(dim);
    if (size === undefined || !Number.isInteger(dim)) {
      throw new ShapeError(`Dimension ${dim} is not in a tensor of shape [${shape.join(', ')}].`);
    }
    return size;
  }

  /** Whether gradients flow to this tensor. Can be turned off on leaves only: a computed tensor is cut off by `detach()`. */
  get requiresGrad(): boolean {
    return native.requiresGrad(this.handle);
  }

  set requiresGrad(value: boolean) {
    if (!value && !this.isLeaf) {
      throw new ArgumentError(
        'requiresGrad of a computed tensor cannot be turned off; detach() gives the same values without it.',
      );
    }
    native.setRequiresGrad(this.handle, value);
  }

  /** Sets `requiresGrad` and gives back the tensor. */
  requiresGrad_(value = true): this {
    this.requiresGrad = value;
    return this;
  }

  /** Whether no recorded operation made this tensor. */
  get isLeaf(): boolean {
    return native.isLeaf(this.handle);
  }

  /** Name of the recorded operation that made this tensor, such as `AddBackward0`. */
  get gradFn(): string | null {
    return native.gradFn(this.handle);
  }

  /** The gathered gradient, or null. Each reading gives a new Tensor on the same memory. */
  get grad(): Tensor | null {
    const grad = native.grad(this.handle);
    return grad === null ? null : new Tensor(grad);
  }

  set grad(value: Tensor | null) {
    native.setGrad(this.handle, value === null ? null : value.handle);
  }

  /**
   * Adds to `grad` of every leaf the derivative of this tensor with respect to it.
   * @param gradient derivative with respect to this tensor, of its shape; may be left out for a single element
   */
  backward(gradient: Tensor | null = null, options: BackwardOptions = {}): void {
    const createGraph = options.createGraph ?? false;
    applyGradMode();
    native.backward(
      this.handle,
      gradient === null ? null : gradient.handle,
      options.retainGraph ?? createGraph,
      createGraph,
    );
  }

  /**
   * Copies the elements, row-major, without blocking the event loop: BigInt64Array for int64, Float32Array for float16 and
   * bfloat16, Uint8Array of 0 and 1 for bool, real and imaginary parts in turn for complex types, else the dtype's own array.
   * The tensor may be disposed meanwhile, but not changed in place.
   */
  async data(options: { signal?: AbortSignal } = {}): Promise<DataArray> {
    return withSignal(options.signal, (token) => read(token, this.handle));
  }

  /** Like `data()`, blocking until the values are there. */
  dataSync(): DataArray {
    return readSync(this.handle);
  }

  /** The elements as nested arrays (a bare element for a tensor without dimensions), blocking. */
  toArray(options: ReadOptions = {}): NestedArray {
    return nest(this.dataSync(), this.dtype, this.shape, options);
  }

  /**
   * The only element as a number, blocking; a bool is 0 or 1.
   * @throws ShapeError unless there is exactly one element
   * @throws DtypeError for complex types, and for an int64 beyond 2^53
   */
  item(): number {
    return readNumber(this.handle);
  }

  /** This tensor with another dtype or on another device; shares memory when nothing changes, unless `copy` is set. */
  to(target: Dtype | Device | Tensor | ToOptions): Tensor {
    const { dtype, device, nonBlocking, copy } = toOptions(target);
    return new Tensor(
      convert(
        this.handle,
        dtype === undefined ? undefined : checkDtype(dtype),
        device === undefined ? undefined : checkDevice(device),
        nonBlocking,
        copy,
      ),
    );
  }

  /** Shape, dtype and device, without the values. */
  override toString(): string {
    return this.isDisposed ? 'Tensor(disposed)' : describeTensor(this.handle);
  }

  [inspect.custom](): string {
    return this.isDisposed ? 'Tensor(disposed)' : inspectTensor(this.handle);
  }
}

function toOptions(target: Dtype | Device | Tensor | ToOptions): ToOptions {
  if (isDtype(target)) return { dtype: target };
  if (isDevice(target)) return { device: target };
  if (target instanceof Tensor) return { dtype: target.dtype, device: target.device };
  if (typeof target === 'object' && target !== null) return target;
  throw new ArgumentError(
    `to() takes a dtype, a device, a tensor or { dtype, device, copy, nonBlocking }, not ${JSON.stringify(target)}.`,
  );
}

/** Makes a Tensor of a handle that native code gave out; it belongs to the current scope. */
export function wrap(handle: Handle): Tensor {
  return new Tensor(handle);
}
