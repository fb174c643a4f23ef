/** Operators give what Python's PyTorch gives: values, dtypes, shapes and gradients, as functions and as methods. */
import { scope, torch, type Tensor } from '../../../lib/tensor';
import { camelCase } from '../../../lib/tensor/schema';
import {
  cases,
  decode,
  derivativeOf,
  elementsOf,
  isWrittenTensor,
  seed,
  waysToCall,
  type Case,
  type Written,
} from './golden';

const tolerances: Record<string, number> = { float32: 2e-5, complex64: 2e-5, float64: 1e-7, complex128: 1e-7 };

/** Where a value differs from what was written, or undefined. */
function difference(value: unknown, written: Written, unset: boolean): string | undefined {
  if (isWrittenTensor(written)) return tensorDifference(value as Tensor, written, unset);
  if (Array.isArray(written)) {
    if (!Array.isArray(value) || value.length !== written.length) return `${written.length} results expected`;
    return written.map((each, index) => difference(value[index], each, unset)).find((found) => found !== undefined);
  }
  const expected = decode(written, []);
  const close = typeof value === 'number' && Math.abs(value - (expected as number)) < 1e-6;
  return Object.is(value, expected) || close || value === expected
    ? undefined
    : `${String(value)} for ${String(expected)}`;
}

function tensorDifference(
  value: Tensor,
  written: { t: string; s: number[] } & Written,
  unset: boolean,
): string | undefined {
  if (!(value instanceof torch.Tensor)) return `${typeof value} for a tensor`;
  if (value.dtype !== written.t) return `dtype ${value.dtype} for ${written.t}`;
  if (value.shape.join() !== written.s.join()) return `shape [${value.shape.join()}] for [${written.s.join()}]`;
  if (unset) return undefined;
  const wanted = elementsOf(written as never);
  const got = Array.from(value.detach().resolveConj().resolveNeg().dataSync() as ArrayLike<number | bigint>, Number);
  const tolerance = tolerances[written.t] ?? 0;
  const scale = Math.max(...wanted.filter(Number.isFinite).map(Math.abs), 0);
  const wrong = wanted.findIndex((each, index) => {
    const have = got[index]!;
    if (Object.is(have, each) || have === each) return false;
    return !(Math.abs(have - each) <= tolerance * (Math.abs(each) + 0.05 * scale + 1e-3));
  });
  return wrong < 0 ? undefined : `element ${wrong}: ${got[wrong]} for ${wanted[wrong]}`;
}

function argumentsOf({ args, kwargs }: Case): { values: unknown[]; inputs: Tensor[] } {
  const inputs: Tensor[] = [];
  const values = args.map((each) => decode(each, inputs));
  const options = Object.entries(kwargs ?? {}).map(([name, value]) => [camelCase(name), decode(value, inputs)]);
  if (options.length > 0) values.push(Object.fromEntries(options));
  return { values, inputs };
}

/** What is wrong with one way to call a case, or undefined. */
function faultOf(each: Case, call: (...args: unknown[]) => unknown): string | undefined {
  const { values, inputs } = argumentsOf(each);
  torch.manualSeed(seed);
  const results = call(...values);
  const found = difference(results, each.out, each.unset === true);
  if (found !== undefined || each.grads === undefined) return found;
  derivativeOf(results).backward();
  const wanted = inputs.filter((input) => input.requiresGrad && input.isLeaf);
  for (const [index, grad] of each.grads.entries()) {
    const got = wanted[index]!.grad;
    if (grad === null ? got !== null && got.abs().max().item() !== 0 : got === null)
      return `grad ${index} is ${String(got)}`;
    const wrong = grad === null || got === null ? undefined : difference(got, grad, false);
    if (wrong !== undefined) return `grad ${index}: ${wrong}`;
  }
  return undefined;
}

/** Their in-place forms do something else: they do not read this tensor's elements. */
const drawn = new Set(['torch.bernoulli', 'torch.normal']);

/** The in-place form gives the same, where a result of the input's dtype and shape can stand in its place. */
function inPlaceFault(each: Case): string | undefined {
  const [namespace, name] = each.op.split('.') as [string, string];
  const method = (torch.Tensor.prototype as never as Record<string, ((...args: unknown[]) => unknown) | undefined>)[
    `${camelCase(name)}_`
  ];
  const [self] = each.args;
  const { out, grads } = each;
  if (namespace !== 'torch' || method === undefined || drawn.has(each.op)) return undefined;
  if (self === undefined || grads !== undefined || each.unset) return undefined;
  if (!isWrittenTensor(self) || !isWrittenTensor(out)) return undefined;
  if (self.t !== out.t || self.s.join() !== out.s.join()) return undefined;
  inPlace.add(each.op);
  const { values } = argumentsOf(each);
  torch.manualSeed(seed);
  const result = method.apply(values[0], values.slice(1));
  return result === values[0] ? difference(result, out, false) : 'gives another tensor';
}

const inPlace = new Set<string>();
const operators = [...new Set(cases.map(({ op }) => op))];

test.each(operators)('%s', (op) => {
  const faults = scope(() =>
    cases
      .filter((each) => each.op === op)
      .flatMap((each) => {
        const ways: [string, () => string | undefined][] = waysToCall(each).map(([name, call]) => [
          name,
          () => faultOf(each, call),
        ]);
        if (ways.length === 0) return [`${op} is not here`];
        return [...ways, [`${op}_`, () => inPlaceFault(each)] as const].flatMap(([name, fault]) => {
          let found: string | undefined;
          try {
            found = fault();
          } catch (error) {
            found = String(error);
          }
          return found === undefined ? [] : [`${name}: ${found}`];
        });
      }),
  );
  expect(faults).toEqual([]);
});

test('the cases reach far', () => {
  expect(operators.length).toBeGreaterThanOrEqual(400);
  expect(inPlace.size).toBeGreaterThan(80);
  expect(new Set(cases.filter(({ grads }) => grads !== undefined).map(({ op }) => op)).size).toBeGreaterThan(250);
});
