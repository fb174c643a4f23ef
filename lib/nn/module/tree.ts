/** Walks through a module and all modules below it. */
import type { Tensor } from '../../tensor';
import { join } from './names';
import { Buffer, Parameter } from './parameter';

/** What walking needs of a module: its direct members by name. */
export interface Tree<M> {
  namedMembers(): Iterable<[name: string, member: Parameter | Buffer | M]>;
}

/** What of a tree is listed, and how. */
export interface ListOptions {
  /** Put before every name, with a dot. */
  prefix?: string;
  /** Whether what is shared comes once, under its first name. Default true. */
  removeDuplicate?: boolean;
}

export interface TensorListOptions extends ListOptions {
  /** Whether modules below are listed too. Default true. */
  recurse?: boolean;
}

/** Child modules by name, direct ones only, each once. */
export function* childrenOf<M extends Tree<M>>(module: M): Iterable<[name: string, child: M]> {
  const seen = new Set<M>();
  for (const [name, member] of module.namedMembers()) {
    if (isTensor(member) || seen.has(member)) continue;
    seen.add(member);
    yield [name, member];
  }
}

/** The module itself, under the name `prefix`, then those below it, each before its own. */
export function* modulesOf<M extends Tree<M>>(
  module: M,
  options: ListOptions = {},
): Iterable<[name: string, module: M]> {
  yield* walk(module, options.prefix ?? '', options.removeDuplicate === false ? undefined : new Set());
}

function* walk<M extends Tree<M>>(module: M, name: string, seen: Set<M> | undefined): Iterable<[string, M]> {
  if (seen?.has(module)) return;
  seen?.add(module);
  yield [name, module];
  for (const [childName, member] of module.namedMembers()) {
    if (!isTensor(member)) yield* walk(member, join(name, childName), seen);
  }
}

/** Parameters and buffers: a module's own before those of the modules below it. */
export function* tensorsOf<M extends Tree<M>>(
  module: M,
  options: TensorListOptions = {},
): Iterable<[name: string, tensor: Parameter | Buffer]> {
  const once = options.removeDuplicate !== false;
  const seen = new Set<Tensor>();
  const modules: Iterable<[string, M]> =
    options.recurse === false ? [[options.prefix ?? '', module]] : modulesOf(module, options);
  for (const [prefix, each] of modules) {
    for (const [name, member] of each.namedMembers()) {
      if (!isTensor(member) || (once && seen.has(member))) continue;
      seen.add(member);
      yield [join(prefix, name), member];
    }
  }
}

export function isTensor(member: unknown): member is Parameter | Buffer {
  return member instanceof Parameter || member instanceof Buffer;
}

export function isBuffer(member: Parameter | Buffer): member is Buffer {
  return member instanceof Buffer;
}
