/** Native objects other than tensors: modules, optimisers, generators, loaders. */
import { DisposedError } from '../errors';
import { native, type ObjectId } from '../native';

const finalizers = new FinalizationRegistry<ObjectId>((id) => native.objectFree(id));

/** Holds one native object; freed by `dispose()` or when JavaScript forgets it. */
export class NativeObject {
  #id: ObjectId;

  /** @param what how errors call it, such as `generator` */
  constructor(
    id: ObjectId,
    readonly what: string,
  ) {
    this.#id = id;
    finalizers.register(this, id, this);
  }

  get disposed(): boolean {
    return this.#id === 0;
  }

  /** @throws DisposedError after `dispose()` */
  get id(): ObjectId {
    if (this.#id === 0) throw new DisposedError(`This ${this.what} was disposed.`);
    return this.#id;
  }

  dispose(): void {
    if (this.#id === 0) return;
    finalizers.unregister(this);
    native.objectFree(this.#id);
    this.#id = 0;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
