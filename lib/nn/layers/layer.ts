/** What the layers are built on. */
import { inspect } from 'node:util';

import { ArgumentError, TorchwrightError } from '../../errors';
import { noGrad, scope, Tensor, torch } from '../../tensor';
import { functional } from '../functional';
import { Module } from '../module/module';
import { Buffer, Parameter } from '../module/parameter';

/** A module of one tensor in, one out. */
export interface Layer extends Module {
  forward(input: Tensor): Tensor;
}

/** A layer of one tensor in, one out, whose errors name it and its input. */
export abstract class TensorLayer extends Module {
  protected abstract compute(input: Tensor): Tensor;

  override forward(input: Tensor): Tensor {
    try {
      return this.compute(input);
    } catch (error) {
      throw inLayer(this, { input }, error);
    }
  }
}

/**
 * Adds to an error which layer met it, and what that was given.
 * @param given the inputs by name; the first is required, others may be null or left out
 */
export function inLayer(layer: Module, given: Readonly<Record<string, unknown>>, error: unknown): unknown {
  const inputs = Object.entries(given).filter(
    ([, value], index) => index === 0 || (value !== null && value !== undefined),
  );
  const wrong = inputs.find(([, value]) => !(value instanceof Tensor));
  if (wrong !== undefined) {
    const [name, value] = wrong;
    return new ArgumentError(`${layer.toString()}: ${name} must be a tensor, not ${inspect(value, { depth: 0 })}.`);
  }
  if (!(error instanceof TorchwrightError)) return error;
  const lines = inputs.map(([name, value]) => `  ${name}: ${shown(value as Tensor)}`);
  const told = [`${layer.toString()}: ${error.message}`, ...lines].join('\n');
  // The same error, so that its class, code and cause stay; the stack repeats the message.
  if (error.stack !== undefined) error.stack = error.stack.replace(error.message, () => told);
  error.message = told;
  return error;
}

function shown(tensor: Tensor): string {
  return tensor.isDisposed ? 'disposed' : `[${tensor.shape.join(', ')}] ${tensor.dtype} on ${tensor.device}`;
}

/** A function of `torch` by name, for layers that differ in the number of their dimensions alone. */
export function torchFunction<F>(name: keyof typeof torch): F {
  return (torch as Readonly<Record<string, unknown>>)[name] as F;
}

/** The same of `functional`. */
export function functionalFunction<F>(name: keyof typeof functional): F {
  return (functional as unknown as Readonly<Record<string, unknown>>)[name] as F;
}

/** Makes a parameter of fresh memory, which the scope around need not keep. */
export function parameter(make: () => Tensor): Parameter {
  return scope(() => new Parameter(noGrad(make)));
}

/** Makes a buffer of fresh memory. */
export function buffer(make: () => Tensor): Buffer {
  return scope(() => new Buffer(noGrad(make)));
}
