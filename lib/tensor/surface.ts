/** Gives every generated operator its place: a method of Tensor, a function of `torch` or of one of its namespaces. */
import {
  functionNames,
  methodNames,
  variadicFunctions,
  variadicMethods,
  type FftOperators,
  type LinalgOperators,
  type SpecialOperators,
  type TorchOperators,
} from './generated/operators';
import { operatorNamed } from './operator';
import { camelCase, placeName, qualifiedName } from './schema';
import { Tensor } from './tensor';

type OperatorFunction = (...values: unknown[]) => unknown;

/** Puts whole numbers given one by one into one list: `x.view(2, 3)` is `x.view([2, 3])`. */
function gather(values: unknown[]): unknown[] {
  let end = 0;
  while (end < values.length && (typeof values[end] === 'number' || typeof values[end] === 'bigint')) end++;
  if (end > 1) values.splice(0, end, values.slice(0, end));
  return values;
}

function installMethods(): void {
  const variadic = new Set(variadicMethods);
  for (const name of methodNames) {
    const method = camelCase(name);
    const operator = operatorNamed(qualifiedName(name), `torch.${method}`);
    const plain = function (this: Tensor, ...values: unknown[]): unknown {
      return operator.call(values, this);
    };
    const gathering = function (this: Tensor, ...values: unknown[]): unknown {
      return operator.call(gather(values), this);
    };
    Object.defineProperty(Tensor.prototype, method, {
      value: variadic.has(name) ? gathering : plain,
      writable: true,
      configurable: true,
    });
  }
}

function makeFunctions(): TorchOperators & { linalg: LinalgOperators; fft: FftOperators; special: SpecialOperators } {
  const variadic = new Set(variadicFunctions);
  const places: Record<string, Record<string, OperatorFunction>> = { torch: {}, linalg: {}, fft: {}, special: {} };
  for (const name of functionNames) {
    const { namespace, member } = placeName(name);
    const shownAs = `torch.${namespace === undefined ? '' : `${namespace}.`}${member}`;
    const operator = operatorNamed(qualifiedName(name), shownAs);
    places[namespace ?? 'torch']![member] = variadic.has(name)
      ? (...values) => operator.call(gather(values))
      : (...values) => operator.call(values);
  }
  const { torch, ...named } = places;
  // The generated interfaces were written from the same lists of names.
  return { ...torch, ...named } as unknown as ReturnType<typeof makeFunctions>;
}

installMethods();

/** The operators as functions: `torch.add(a, b)`, `torch.linalg.norm(a)`. */
export const operatorFunctions = makeFunctions();
