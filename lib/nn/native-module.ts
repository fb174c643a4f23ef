/** Modules whose mathematics is native: one wrapper around the addon's generic door. */
import { checkArgument } from '../arguments';
import { ArgumentError } from '../errors';
import { native, type Handle, type ObjectId } from '../native';
import { applyModes, NativeObject, withSignal, wrap, type Device, type Dtype, type Tensor } from '../tensor';
import { copySelf } from './module/copy';
import { Module, type Member } from './module/module';
import { Buffer, Parameter } from './module/parameter';

export interface NativeModuleOptions {
  /** Of the parameters. Default `float32`. */
  dtype?: Dtype;
  /** Default `cpu`. */
  device?: Device;
}

/** @throws ArgumentError for what is no `{ dtype, device }`, such as the device alone, which would go unheard */
export function checkPlacement(placement: NativeModuleOptions): void {
  checkArgument(placement, 'object', 'The place of a model, such as { device: "cuda" },');
}

export interface RunOptions {
  signal?: AbortSignal | undefined;
  /** Lower precision for matrix products, such as `bfloat16`. */
  autocast?: Dtype | null;
}

/** Base of the typed wrappers, one for each kind of native module. Its parameters have the names the native side gives. */
export abstract class NativeModule extends Module {
  readonly #object: NativeObject;
  readonly #members: [name: string, member: Parameter | Buffer][];

  /**
   * @param kind name under which the native side registered the module
   * @param plan its sizes and switches, plain data
   */
  protected constructor(kind: string, plan: object, options: NativeModuleOptions = {}) {
    super();
    checkPlacement(options);
    applyModes();
    this.#object = new NativeObject(
      native.moduleCreate(kind, plan, options.dtype ?? 'float32', options.device ?? 'cpu'),
      kind,
    );
    const parameters = native.moduleParameters(this.#object.id);
    const buffers = native.moduleBuffers(this.#object.id);
    this.#members = [
      ...adopt(parameters, (tensor) => new Parameter(tensor, { requiresGrad: tensor.requiresGrad, sameTensor: true })),
      ...adopt(buffers, (tensor) => new Buffer(tensor, { sameTensor: true })),
    ];
  }

  get disposed(): boolean {
    return this.#object.disposed;
  }

  /** Number of the native object, for trainers. @throws DisposedError */
  get id(): ObjectId {
    return this.#object.id;
  }

  /** Where its parameters are. @throws ArgumentError for a module that has none */
  get device(): Device {
    for (const parameter of this.parameters()) return parameter.device;
    throw new ArgumentError('The module has no parameters, and so no device.');
  }

  override *namedMembers(): Iterable<[name: string, member: Member]> {
    yield* this.#members;
    yield* super.namedMembers();
  }

  /** Calls a native method on this thread. Inputs and results are the kind's own; null stands for one that is absent. */
  call(method: string, inputs: readonly (Tensor | null)[]): (Tensor | null)[] {
    applyModes();
    return native.moduleCall(this.id, method, handles(inputs)).map(wrapped);
  }

  /** Calls a native method as a job on the compute thread, in the caller's modes. */
  async run(method: string, inputs: readonly (Tensor | null)[], options: RunOptions = {}): Promise<(Tensor | null)[]> {
    const results = await withSignal(options.signal, (token) =>
      native.moduleRun(token, this.id, method, handles(inputs), options.autocast ?? null),
    );
    return results.map(wrapped);
  }

  protected override setTraining(training: boolean): void {
    super.setTraining(training);
    native.moduleTrain(this.id, training);
  }

  protected override place(placement: { dtype?: Dtype; device?: Device }): void {
    applyModes();
    native.moduleTo(this.id, placement.device ?? null, placement.dtype ?? null);
    super.place(placement);
  }

  /** @throws ArgumentError always: what a native module holds beside its parameters is not known here */
  override [copySelf](): never {
    const { name } = this.constructor;
    throw new ArgumentError(
      `clone() cannot copy the native module ${name}; make another with the same configuration and give it this one's stateDict().`,
    );
  }

  override dispose(): void {
    super.dispose();
    this.#object.dispose();
  }
}

function handles(tensors: readonly (Tensor | null)[]): (Handle | null)[] {
  return tensors.map((tensor) => tensor && tensor.handle);
}

const wrapped = (handle: Handle | null): Tensor | null => (handle === null ? null : wrap(handle));

/** Gives each native tensor an owner that lives as long as the module. */
function adopt<T extends Tensor>(named: [name: string, handle: Handle][], make: (tensor: Tensor) => T): [string, T][] {
  return named.map(([name, handle]) => {
    const tensor = wrap(handle);
    const member = make(tensor);
    tensor.dispose();
    return [name, member];
  });
}
