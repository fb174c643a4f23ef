/** Deep copies of modules. */
import { types } from 'node:util';

import { ArgumentError } from '../../errors';
import { noGrad, scope, Tensor } from '../../tensor';
import { isPlainObject } from '../../tensor/scope';
import { ownForward } from './hooks';
import { Buffer, Parameter } from './parameter';

/** What has been copied so far, so that what is shared stays shared. */
export type Copies = Map<object, unknown>;

/** The method by which a module copies itself. */
export const copySelf = Symbol('copy');

/** Copies tensors and modules, also in arrays, plain objects, Maps and Sets; everything else is shared. */
export function copyValue(value: unknown, copies: Copies): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (copies.has(value)) return copies.get(value);
  if (copySelf in value) return (value as { [copySelf]: (copies: Copies) => unknown })[copySelf](copies);
  if (value instanceof Tensor) return remember(value, copyTensor(value as Tensor), copies);
  if (Array.isArray(value)) {
    const copy: unknown[] = remember(value, [], copies);
    for (const each of value) copy.push(copyValue(each, copies));
    return copy;
  }
  if (types.isMap(value)) {
    const copy = remember(value, new Map<unknown, unknown>(), copies);
    for (const [key, each] of value) copy.set(copyValue(key, copies), copyValue(each, copies));
    return copy;
  }
  if (types.isSet(value)) {
    const copy = remember(value, new Set<unknown>(), copies);
    for (const each of value) copy.add(copyValue(each, copies));
    return copy;
  }
  return isPlainObject(value) ? copyProperties(value, remember(value, {}, copies), copies) : value;
}

/** A module of the same class that holds copies of all that `module` holds. Hooks stay behind. */
export function copyModule<M extends object>(module: M, copies: Copies): M {
  refusePrivateMembers(module);
  const copy = remember(module, Object.create(Object.getPrototypeOf(module) as object) as M, copies);
  return copyProperties(module, copy, copies);
}

function copyProperties<T extends object>(source: T, target: T, copies: Copies): T {
  for (const key of Reflect.ownKeys(source)) {
    const property = Object.getOwnPropertyDescriptor(source, key)!;
    if (key === 'forward') {
      const forward = ownForward(source);
      if (forward === undefined) continue;
      Object.defineProperty(target, key, { value: forward, writable: true, enumerable: true, configurable: true });
    } else if ('value' in property) {
      Object.defineProperty(target, key, { ...property, value: copyValue(property.value, copies) });
    } else Object.defineProperty(target, key, property);
  }
  return target;
}

function copyTensor(source: Tensor): Tensor {
  return scope(() => {
    const values = noGrad(() => source.detach().clone());
    if (source instanceof Parameter) return new Parameter(values, { requiresGrad: source.requiresGrad });
    if (source instanceof Buffer) return new Buffer(values, { persistent: source.persistent });
    return values.keep();
  });
}

function remember<T>(source: object, copy: T, copies: Copies): T {
  copies.set(source, copy);
  return copy;
}

/** Members named with # exist only on what the class's own constructor made: a copy would fail at its first use of one. */
function refusePrivateMembers(module: object): void {
  for (let each = module.constructor; typeof each === 'function'; each = Object.getPrototypeOf(each) as typeof each) {
    if (!/\bthis\.#[\w$]/.test(Function.prototype.toString.call(each))) continue;
    throw new ArgumentError(
      `clone() cannot copy the #private members of ${each.name}. Use TypeScript's "private" for them, or make another ` +
        `${module.constructor.name} and give it this one's stateDict().`,
    );
  }
}
