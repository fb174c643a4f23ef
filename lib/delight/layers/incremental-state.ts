import { noGrad, scope, type Tensor } from '../../tensor';

/**
 * What an attention remembers between steps of decoding: keys and values `[batch, length, projFeatures]`, and which keys are padding.
 * It owns its tensors, whatever scope a step runs in; free them with `dispose()` or `using`.
 */
export class IncrementalState {
  #key: Tensor | null = null;
  #value: Tensor | null = null;
  #paddingMask: Tensor | null = null;

  /** Null before the first step. */
  get key(): Tensor | null {
    return this.#key;
  }

  get value(): Tensor | null {
    return this.#value;
  }

  /** Bool `[batch, length]`, or null when no key is padding. */
  get paddingMask(): Tensor | null {
    return this.#paddingMask;
  }

  /** Number of keys remembered. */
  get length(): number {
    return this.#key?.size(1) ?? 0;
  }

  /** Takes over what a step gave. */
  replace(key: Tensor, value: Tensor, paddingMask: Tensor | null): void {
    this.dispose();
    this.#key = key.keep();
    this.#value = value.keep();
    this.#paddingMask = paddingMask?.keep() ?? null;
  }

  /**
   * Makes row i continue what row `order[i]` was: what beam search needs. `order` is int64; rows may be dropped or repeated.
   * @throws ShapeError for a row that there is not
   */
  reorder(order: Tensor): void {
    const { key, value, paddingMask } = this;
    if (key === null || value === null) return;
    const [newKey, newValue, newMask] = scope(() =>
      noGrad(() => [key, value, paddingMask].map((tensor) => tensor && tensor.indexSelect(0, order))),
    );
    this.replace(newKey!, newValue!, newMask ?? null);
  }

  /** Forgets everything: the next step is the first. */
  dispose(): void {
    for (const tensor of [this.#key, this.#value, this.#paddingMask]) tensor?.dispose();
    this.#key = this.#value = this.#paddingMask = null;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
