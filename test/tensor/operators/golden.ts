/** Reads the golden cases of test/fixtures/operators: arguments and results as JSON, tensors as dtype, shape and elements. */
import fs from 'node:fs';
import path from 'node:path';

import { functional } from '../../../lib/nn';
import { Tensor, torch, type Dtype } from '../../../lib/tensor';
import { camelCase } from '../../../lib/tensor/schema';

export interface WrittenTensor {
  t: Dtype;
  s: number[];
  v: (number | 'nan' | 'inf' | '-inf')[];
  /** It requires a gradient. */
  r?: 1;
}

export type Written =
  | null
  | boolean
  | number
  | string
  | WrittenTensor
  | { n: string }
  | { x: 'nan' | 'inf' | '-inf' }
  | { c: [number, number] }
  | Written[];

export interface Case {
  /** Namespace and function, as Python names them: `linalg.norm`. */
  op: string;
  args: Written[];
  kwargs?: Record<string, Written>;
  out: Written;
  /** The elements are whatever stood in memory. */
  unset?: boolean;
  /** Gradients of the floating inputs in the order of the arguments, for `derivativeOf` the results. */
  grads?: (WrittenTensor | null)[];
}

interface Golden {
  torch: string;
  seed: number;
  cases: Case[];
}

export const { seed, cases } = JSON.parse(
  fs.readFileSync(path.resolve(__dirname, '../../fixtures/operators/golden.json'), 'utf8'),
) as Golden;

const special = { nan: NaN, inf: Infinity, '-inf': -Infinity };

export function elementsOf({ v }: WrittenTensor): number[] {
  return v.map((value) => (typeof value === 'number' ? value : special[value]));
}

export function isWrittenTensor(value: Written): value is WrittenTensor {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && 't' in value;
}

function tensorOf(written: WrittenTensor): Tensor {
  const { t: dtype, s: shape, r } = written;
  const elements = elementsOf(written);
  const data = dtype === 'int64' ? BigInt64Array.from(elements, BigInt) : Float64Array.from(elements);
  return torch.tensor(data, { dtype, shape, requiresGrad: r === 1 });
}

/** The JavaScript value; tensors made on the way are added to `inputs`. */
export function decode(written: Written, inputs: Tensor[]): unknown {
  if (typeof written !== 'object' || written === null) return written;
  if (Array.isArray(written)) return written.map((each) => decode(each, inputs));
  if ('n' in written) return written.n;
  if ('x' in written) return special[written.x];
  if ('c' in written) return { re: written.c[0], im: written.c[1] };
  const tensor = tensorOf(written);
  inputs.push(tensor);
  return tensor;
}

type Call = (...args: unknown[]) => unknown;

const namespaces: Record<string, Record<string, Call>> = {
  torch: torch as never,
  linalg: torch.linalg as never,
  fft: torch.fft as never,
  special: torch.special as never,
  functional: functional as never,
};

/** The ways to call a case's function: as a function, as a method where there is one. */
export function waysToCall({ op, args: [self] }: Case): [string, Call][] {
  const [namespace, name] = op.split('.') as [string, string];
  const member = camelCase(name);
  const ways: [string, Call][] = [];
  const direct = namespaces[namespace]?.[member];
  if (direct !== undefined) ways.push([`${namespace}.${member}`, direct]);
  if ((namespace === 'torch' || namespace === 'Tensor') && self !== undefined && isWrittenTensor(self)) {
    const method = Object.getOwnPropertyDescriptor(Tensor.prototype, member)?.value as Call | undefined;
    if (method !== undefined) {
      ways.push([`Tensor.${member}`, (self, ...rest) => method.call(self, ...rest)]);
    }
  }
  return ways;
}

export function tensorsOf(value: unknown): Tensor[] {
  if (Array.isArray(value)) return value.flatMap(tensorsOf);
  return torch.isTensor(value) ? [value as Tensor] : [];
}

/** A number that depends on every element of every result in a way of its own. */
export function derivativeOf(results: unknown): Tensor {
  const parts = tensorsOf(results)
    .filter((result) => result.requiresGrad)
    .map((result) => {
      const weights = Float64Array.from({ length: result.numel }, (_, index) => (((index * 7) % 11) - 5) / 5);
      const real = result.dtype.startsWith('complex') ? torch.real(result) : result;
      return real.mul(torch.tensor(weights, { shape: result.shape })).sum();
    });
  return parts.reduce((total, part) => total.add(part));
}
