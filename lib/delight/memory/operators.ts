/** The operators that layers are made of, replayed: what each holds and saves, by the device and precision it runs in. */
import { Graph, type Pass, type Value } from '../../memory';
import type { ModelConfig } from '../config';

/** How a batch is computed. */
export interface Computation {
  precision: 'float32' | 'bf16' | 'float16';
  device: 'cpu' | 'cuda';
}

/** Bytes of an element of the parameters. */
export const wide = 4;

/** A tensor of a pass: rows of features, of some type. */
export interface Rows {
  value: Value;
  rows: number;
  features: number;
  /** Bytes of an element. */
  element: number;
}

export class Operators {
  readonly graph: Graph;
  /** Bytes of an element of a product. */
  readonly element: number;
  /** Weights that autocast has cast, kept to the end of the forward pass. */
  readonly #cast: Value[] = [];

  constructor(
    readonly pass: Pass,
    readonly config: ModelConfig,
    readonly computation: Computation,
  ) {
    this.graph = new Graph(pass);
    this.element = computation.precision === 'float32' ? wide : 2;
  }

  /** Whether dropout does anything. */
  get isTraining(): boolean {
    return this.pass.training;
  }

  rowsOf(value: Value, { rows, features, element }: Omit<Rows, 'value'>): Rows {
    return { value, rows, features, element };
  }

  drop(...all: (Rows | undefined)[]): void {
    for (const rows of all) this.graph.drop(rows?.value);
  }

  /** The end of the forward pass. */
  end(): void {
    this.graph.drop(...this.#cast.splice(0));
  }

  /** `x` in the type of products. */
  private cast(x: Rows): Rows {
    if (x.element === this.element) return { ...x, value: this.hold(x.value) };
    const value = this.graph.run([x.value], this.element * x.rows * x.features);
    return { ...x, value, element: this.element };
  }

  private hold(value: Value): Value {
    value.holders++;
    return value;
  }

  /** A weight as a product reads it. */
  private castWeight(elements: number): void {
    if (this.element !== wide) this.#cast.push(this.graph.value(this.element * elements));
  }

  /** x [rows, in] to [rows, out], with a weight and perhaps a bias. `x` stays the caller's. */
  linear(x: Rows, name: string, out: number, bias = true): Rows {
    const { rows, features } = x;
    const weight = features * out;
    this.castWeight(weight);
    const read = this.cast(x);
    const value = this.graph.run([read.value], this.element * rows * out, {
      saves: [read.value],
      backward: this.element === wide ? 0 : this.element * weight,
      parameters: { [`${name}.weight`]: wide * weight, ...(bias && { [`${name}.bias`]: wide * out }) },
    });
    this.drop(read);
    return { value, rows, features: out, element: this.element };
  }

  norm(x: Rows, name: string): Rows {
    const { rows, features } = x;
    const element = this.computation.device === 'cuda' ? wide : x.element;
    const value = this.graph.run([x.value], element * rows * features, {
      saves: [x.value],
      beside: 2 * wide * rows,
      parameters: { [name]: 2 * wide * features },
    });
    return { value, rows, features, element };
  }

  /** Takes `x`. */
  activation(x: Rows): Rows {
    const savesOutput = ['relu', 'sigmoid', 'tanh'].includes(this.config.activation);
    const value = this.graph.run([x.value], x.value.bytes, savesOutput ? { savesOutput } : { saves: [x.value] });
    this.drop(x);
    return { ...x, value };
  }

  /** Takes `x`. */
  dropout(x: Rows, probability: number): Rows {
    if (!this.isTraining || probability === 0) return x;
    const mask = this.computation.device === 'cuda' ? x.rows * x.features : x.value.bytes;
    const value = this.graph.run([x.value], x.value.bytes, { beside: mask });
    this.drop(x);
    return { ...x, value };
  }

  /** One mask for a whole sequence. Takes `x`. */
  recurrentDropout(x: Rows, probability: number): Rows {
    return this.isTraining && probability > 0 ? this.scaled(x) : x;
  }

  /** Times a number, or plus something without a gradient. Takes `x`. */
  scaled(x: Rows): Rows {
    const value = this.graph.run([x.value], x.value.bytes);
    this.drop(x);
    return { ...x, value };
  }

  /** x + y, which it takes. */
  add(x: Rows, y: Rows): Rows {
    const element = Math.max(x.element, y.element);
    const { rows, features } = x;
    const value = this.graph.run([x.value, y.value], element * rows * features, { passesGradient: true });
    this.drop(y);
    return { value, rows, features, element };
  }
}
