/** Operators as autograd sees them: what each takes, gives and saves, in bytes. */
import type { Held, Pass } from './pass';

/** A tensor on its way through a pass. */
export interface Value {
  readonly memory: Held;
  /** Of its own elements; less than its memory's where it is part of another tensor. */
  readonly bytes: number;
  /** Of which it is a part. */
  readonly whole: Value | null;
  /** Who holds the memory: the program, and the graph. */
  holders: number;
  gradient: Held | undefined;
}

/** What an operator does besides giving its output. */
export interface Operator {
  /** Inputs that are saved for the derivative. */
  saves?: readonly Value[];
  /** The output is saved too. */
  savesOutput?: boolean;
  /** Other tensors that are saved. */
  beside?: number;
  /** Held while it computes. */
  forward?: number;
  backward?: number;
  /** Parameters that get gradients, and their bytes. */
  parameters?: Readonly<Record<string, number>>;
  /** The inputs' gradient is the output's own tensor, as a sum's is. */
  passesGradient?: boolean;
}

export class Graph {
  constructor(readonly pass: Pass) {}

  /** A tensor that comes from outside. */
  value(bytes: number): Value {
    return { memory: this.pass.hold(bytes), bytes, whole: null, holders: 1, gradient: undefined };
  }

  /** Part of a tensor, in its memory. */
  part(whole: Value, bytes: number): Value {
    whole.holders++;
    return { memory: whole.memory, bytes, whole, holders: 1, gradient: undefined };
  }

  /** The program lets go of a tensor. */
  drop(...values: (Value | undefined)[]): void {
    for (const value of values) {
      if (value === undefined || --value.holders > 0) continue;
      if (value.whole) this.drop(value.whole);
      else this.pass.release(value.memory);
    }
  }

  /** Runs an operator. The inputs stay the program's. */
  run(inputs: readonly Value[], bytes: number, operator: Operator = {}): Value {
    const { pass } = this;
    const { saves = [], savesOutput = false, beside = 0, forward = 0, backward = 0, parameters = {} } = operator;
    const output = this.value(bytes);
    if (forward > 0) pass.passing(forward);
    if (!pass.recording) {
      if (beside > 0) pass.passing(beside);
      return output;
    }
    const other = beside > 0 ? pass.hold(beside) : undefined;
    const saved = savesOutput ? [...saves, output] : saves;
    for (const value of saved) value.holders++;
    pass.later(() => {
      const { gradient } = output;
      output.gradient = undefined;
      if (backward > 0) pass.passing(backward);
      for (const [name, size] of Object.entries(parameters)) pass.gradient(name, size);
      for (const input of inputs) {
        if (operator.passesGradient && gradient && gradient.bytes === input.bytes) this.#share(input, gradient);
        else this.give(input);
      }
      if (gradient) pass.release(gradient);
      pass.release(other);
      this.drop(...saved);
    });
    return output;
  }

  /** Runs `segment`, which reads `inputs`, with activation checkpointing. */
  checkpointed(inputs: readonly Value[], segment: () => Value): Value {
    const { pass } = this;
    if (!pass.recording) return segment();
    for (const input of inputs) input.holders++;
    pass.later(() => this.drop(...inputs));
    const output: Value = pass.checkpointed(segment, (again) => {
      again.gradient = output.gradient;
      output.gradient = undefined;
      this.drop(again);
    });
    return output;
  }

  /** A gradient reaches a tensor: its own memory, added to what is there. */
  give(value: Value): void {
    const { pass } = this;
    const fresh = pass.hold(value.bytes);
    if (value.whole) {
      // The gradient of a part is laid into zeros of the whole.
      this.give(value.whole);
      pass.release(fresh);
    } else if (value.gradient) {
      if (value.gradient.holders > 1) pass.passing(value.bytes);
      pass.release(fresh);
    } else value.gradient = fresh;
  }

  #share(value: Value, gradient: Held): void {
    if (value.whole || value.gradient) return this.give(value);
    gradient.holders++;
    value.gradient = gradient;
  }
}
