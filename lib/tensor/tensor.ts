/** The tensor: a small object around an integer handle, in a scope. Operators join it in `surface.ts`. */
import { inspect } from 'node:util';

import { ArgumentError, ShapeError } from '../errors';
import { native, type Handle } from '../native';
import { differentiate } from './autograd/engine';
import { checkHook, registerHook, registerPostAccumulateGradHook, type HookHandle } from './autograd/hooks';
import { currentContext, type Context } from './context';
import { checkDevice, isDevice, type Device } from './device';
import { checkDtype, isDtype, type DataArrays, type Dtype } from './dtype';
import { withSignal } from './job';
import { describeTensor, printTensor } from './printing';
import { convert } from './raw';
import { Owned } from './scope';
import type { Elements, Items, Nested, NumberElements, Shapes } from './types';
import { nest, read, readNumber, readSync, type ReadOptions } from './values';

export interface ToOptions<E extends Dtype = Dtype> {
  dtype?: E;
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
  /** The only tensors whose `grad` is added to; all leaves unless given. */
  inputs?: readonly Tensor[];
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

  get shape(): Shapes[R] {
    return native.shape(this.handle);
  }

  /** Elements to step over in memory for one step in each dimension. */
  get strides(): number[] {
    return native.strides(this.handle);
  }

  get ndim(): R {
    return native.shape(this.handle).length as R;
  }

  /** Number of elements. */
  get numel(): number {
    return native.shape(this.handle).reduce((product, size) => product * size, 1);
  }

  /** Element type. Operators can yield types beyond `Dtype` (quantised, 8-bit floats); those cannot be read back as they are. */
  get dtype(): D {
    return native.dtype(this.handle) as D;
  }

  get device(): Device {
    return native.device(this.handle) as Device;
  }

  /** Size of one dimension; negative ones count from the end. @throws ShapeError when there is no such dimension */
  size(dim: number): number {
    const shape = native.shape(this.handle);
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
  get grad(): Tensor<D, R> | null {
    const grad = native.grad(this.handle);
    return grad === null ? null : new Tensor<D, R>(grad);
  }

  set grad(value: Tensor<D, R> | null) {
    native.setGrad(this.handle, value === null ? null : value.handle);
  }

  /** Keeps this computed tensor's gradient in `grad` when it is computed, as leaves do. */
  retainGrad(): void {
    native.retainGrad(this.handle);
  }

  get retainsGrad(): boolean {
    return native.retainsGrad(this.handle);
  }

  /**
   * Calls `hook` each time the gradient with respect to this tensor is computed. A tensor that it gives takes the gradient's place.
   * What it throws becomes the error of `backward`.
   * @throws AutogradError when this tensor does not require gradients
   */
  registerHook(hook: (gradient: Tensor) => Tensor | null | undefined | void): HookHandle {
    checkHook(hook);
    return registerHook(this.handle, (gradient) => {
      const replacement = hook(new Tensor(gradient));
      if (replacement === undefined || replacement === null) return null;
      if (replacement instanceof Tensor) return native.alias(replacement.handle);
      throw new ArgumentError('A hook of registerHook gives a tensor or nothing.');
    });
  }

  /**
   * Calls `hook` with this leaf each time its gradient has been added to, so that the gradient may be used and forgotten before the
   * whole backward pass has ended. No gradients can be computed inside.
   * @throws AutogradError unless this is a leaf that requires gradients
   */
  registerPostAccumulateGradHook(hook: (leaf: Tensor) => void): HookHandle {
    checkHook(hook);
    const self = new WeakRef(this); // the graph must not keep what keeps the graph
    return registerPostAccumulateGradHook(this.handle, (handle) => {
      const leaf = self.deref();
      if (leaf === undefined || leaf.isDisposed) hook(new Tensor(handle));
      else {
        native.free(handle);
        hook(leaf);
      }
    });
  }

  /**
   * Adds to `grad` of every leaf the derivative of this tensor with respect to it.
   * @param gradient derivative with respect to this tensor, of its shape; may be left out for a single element
   * @throws AutogradError when nothing was recorded, or the graph has been walked already
   */
  backward(gradient: Tensor | null = null, options: BackwardOptions = {}): void {
    const { createGraph = false, inputs = [] } = options;
    const root = this.handle;
    const handles = inputs.map((input) => input.handle);
    const seed = gradient === null ? null : gradient.handle;
    const retain = options.retainGraph ?? createGraph;
    differentiate(() => native.backward([root], [seed], retain, createGraph, handles));
  }

  /**
   * Copies the elements, row-major, without blocking the event loop: BigInt64Array for int64, Float32Array for float16 and
   * bfloat16, Uint8Array of 0 and 1 for bool, real and imaginary parts in turn for complex types, else the dtype's own array.
   * The tensor may be disposed meanwhile, but not changed in place.
   */
  async data(options: { signal?: AbortSignal } = {}): Promise<DataArrays[D]> {
    return withSignal(options.signal, async (token) => (await read(token, this.handle)) as DataArrays[D]);
  }

  /** Like `data()`, blocking until the values are there. */
  dataSync(): DataArrays[D] {
    return readSync(this.handle) as DataArrays[D];
  }

  /** The elements as nested arrays (a bare element for a tensor without dimensions), blocking. */
  toArray(options: { int64: 'number' }): Nested<NumberElements[D]>[R];
  toArray(options?: ReadOptions): Nested<Elements[D]>[R];
  toArray(options: ReadOptions = {}): unknown {
    return nest(readSync(this.handle), this.dtype, native.shape(this.handle), options);
  }

  /**
   * The only element as a number, blocking; a bool is 0 or 1.
   * @throws ShapeError unless there is exactly one element
   * @throws DtypeError for complex types, and for an int64 beyond 2^53
   */
  item(): Items[D] {
    return readNumber(this.handle) as Items[D];
  }

  /** This tensor with another dtype or on another device; shares memory when nothing changes, unless `copy` is set. */
  to<E extends Dtype>(dtype: E): Tensor<E, R>;
  to(device: Device): Tensor<D, R>;
  to<E extends Dtype>(other: Tensor<E>): Tensor<E, R>;
  to<E extends Dtype = D>(options: ToOptions<E>): Tensor<E, R>;
  to(target: Dtype | Device | Tensor | ToOptions): Tensor<Dtype, R>;
  to(target: Dtype | Device | Tensor | ToOptions): Tensor<Dtype, R> {
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

  /** Elements, and dtype, device and gradients where they are not the usual ones, as PyTorch prints them; `setPrintOptions` says how. */
  override toString(): string {
    const { name } = this.constructor;
    return this.isDisposed ? `${name}(disposed)` : printTensor(this.handle, name);
  }

  [inspect.custom](depth: number): string {
    if (depth >= 0 || this.isDisposed) return this.toString();
    return `[${describeTensor(this.handle, this.constructor.name)}]`;
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
