/** Gives every generated operator its place: a method of Tensor, a function of `torch` or of one of its namespaces. */
import {
  functionNames,
  methodNames,
  type FftOperators,
  type LinalgOperators,
  type SpecialOperators,
  type TorchOperators,
} from './generated/operators';
import { operatorNamed } from './operator';
import { camelCase, placeName } from './schema';
import { Tensor } from './tensor';

type OperatorFunction = (...values: unknown[]) => unknown;

function installMethods(): void {
  for (const name of methodNames) {
    const method = camelCase(name);
    const operator = operatorNamed(`aten::${name}`, `torch.${method}`);
    Object.defineProperty(Tensor.prototype, method, {
      value(this: Tensor, ...values: unknown[]): unknown {
        values.unshift(this);
        return operator.call(values);
      },
      writable: true,
      configurable: true,
    });
  }
}

function makeFunctions(): TorchOperators & { linalg: LinalgOperators; fft: FftOperators; special: SpecialOperators } {
  const places: Record<string, Record<string, OperatorFunction>> = { torch: {}, linalg: {}, fft: {}, special: {} };
  for (const name of functionNames) {
    const { namespace, member } = placeName(name);
    const shownAs = `torch.${namespace === undefined ? '' : `${namespace}.`}${member}`;
    const operator = operatorNamed(`aten::${name}`, shownAs);
    places[namespace ?? 'torch']![member] = (...values) => operator.call(values);
  }
  const { torch, ...named } = places;
  // The generated interfaces were written from the same lists of names.
  return { ...torch, ...named } as unknown as ReturnType<typeof makeFunctions>;
}

installMethods();

/** The operators as functions: `torch.add(a, b)`, `torch.linalg.norm(a)`. */
export const operatorFunctions = makeFunctions();
