/** Modules that hold others, or parameters, under their positions or names. */
import { ArgumentError } from '../../errors';
import { Tensor } from '../../tensor';
import { isPlainObject } from '../../tensor/scope';
import { Module, type Member } from '../module/module';
import { Buffer, Parameter } from '../module/parameter';
import type { Layer } from './layer';

/** Index of an element; negative ones count from the end. @throws ArgumentError when there is none */
function position(what: string, index: number, length: number): number {
  const at = index < 0 ? index + length : index;
  if (Number.isInteger(at) && at >= 0 && at < length) return at;
  throw new ArgumentError(`${what} of ${length} has no element ${String(index)}.`);
}

function checkModule<M extends Module>(container: string, module: M): M {
  if (module instanceof Module) return module;
  throw new ArgumentError(`${container} takes modules, not ${JSON.stringify(module) ?? String(module)}.`);
}

function checkName(container: string, name: string): string {
  if (typeof name === 'string' && name !== '' && !name.includes('.')) return name;
  throw new ArgumentError(
    `${container}: ${JSON.stringify(name) ?? String(name)} is no name of a member: names are not empty and have no dots.`,
  );
}

/**
 * Layers one after the other: `new Sequential(a, b)`, whose names are their positions, or `new Sequential({ first: a, second: b })`.
 */
export class Sequential extends Module {
  private readonly layers: Layer[];
  private readonly names: string[] | null;

  constructor(...layers: Layer[]);
  constructor(layers: Readonly<Record<string, Layer>>);
  constructor(...layers: Layer[] | [Readonly<Record<string, Layer>>]) {
    super();
    const named = layers.length === 1 && isPlainObject(layers[0]) ? layers[0] : null;
    this.layers = Object.values(named ?? layers) as Layer[];
    this.names = named && Object.keys(named).map((name) => checkName('Sequential', name));
    for (const layer of this.layers) checkModule('Sequential', layer);
  }

  override *namedMembers(): Iterable<[name: string, member: Layer]> {
    for (const [index, layer] of this.layers.entries()) yield [this.names?.[index] ?? String(index), layer];
  }

  override forward(input: Tensor): Tensor {
    let value = input;
    for (const layer of this.layers) value = layer.forward(value);
    return value;
  }

  get length(): number {
    return this.layers.length;
  }

  /** The layer at `index`; negative ones count from the end. @throws ArgumentError when there is none */
  at(index: number): Layer {
    return this.layers[position('Sequential', index, this.layers.length)]!;
  }

  /** Adds a layer at the end. */
  append(layer: Layer): this {
    this.layers.push(checkModule('Sequential', layer));
    this.names?.push(String(this.layers.length - 1));
    return this;
  }

  [Symbol.iterator](): Iterator<Layer> {
    return this.layers[Symbol.iterator]();
  }
}

/** Modules by position. It has no forward of its own: go over it, or use `at`. */
export class ModuleList<M extends Module = Module> extends Module {
  private readonly items: M[];

  constructor(modules: Iterable<M> = []) {
    super();
    this.items = [...iterable('ModuleList', modules)].map((module) => checkModule('ModuleList', module));
  }

  override *namedMembers(): Iterable<[name: string, member: M]> {
    for (const [index, module] of this.items.entries()) yield [String(index), module];
  }

  /** @throws ArgumentError always */
  override forward(): never {
    throw new ArgumentError('A ModuleList has no forward: call the modules in it.');
  }

  get length(): number {
    return this.items.length;
  }

  /** The module at `index`; negative ones count from the end. @throws ArgumentError when there is none */
  at(index: number): M {
    return this.items[position('ModuleList', index, this.items.length)]!;
  }

  /** Puts a module in the place of the one at `index`. */
  set(index: number, module: M): this {
    this.items[position('ModuleList', index, this.items.length)] = checkModule('ModuleList', module);
    return this;
  }

  append(module: M): this {
    this.items.push(checkModule('ModuleList', module));
    return this;
  }

  extend(modules: Iterable<M>): this {
    for (const module of iterable('ModuleList', modules)) this.append(module);
    return this;
  }

  /** Puts a module before the one at `index`. */
  insert(index: number, module: M): this {
    const at = index === this.items.length ? index : position('ModuleList', index, this.items.length);
    this.items.splice(at, 0, checkModule('ModuleList', module));
    return this;
  }

  [Symbol.iterator](): Iterator<M> {
    return this.items[Symbol.iterator]();
  }
}

/** Modules by name, in the order in which they came. It has no forward of its own. */
export class ModuleDict<M extends Module = Module> extends Module {
  private readonly items = new Map<string, M>();

  constructor(modules: Readonly<Record<string, M>> | Iterable<readonly [string, M]> = {}) {
    super();
    for (const [name, module] of entries('ModuleDict', modules)) this.set(name, module);
  }

  override namedMembers(): Iterable<[name: string, member: M]> {
    return this.items;
  }

  /** @throws ArgumentError always */
  override forward(): never {
    throw new ArgumentError('A ModuleDict has no forward: call the modules in it.');
  }

  get size(): number {
    return this.items.size;
  }

  /** @throws ArgumentError when there is none of this name */
  get(name: string): M {
    const module = this.items.get(name);
    if (module !== undefined) return module;
    throw new ArgumentError(
      `The ModuleDict has no "${name}"; it has ${[...this.items.keys()].join(', ') || 'nothing'}.`,
    );
  }

  has(name: string): boolean {
    return this.items.has(name);
  }

  set(name: string, module: M): this {
    this.items.set(checkName('ModuleDict', name), checkModule('ModuleDict', module));
    return this;
  }

  delete(name: string): boolean {
    return this.items.delete(name);
  }

  keys(): Iterable<string> {
    return this.items.keys();
  }

  values(): Iterable<M> {
    return this.items.values();
  }

  [Symbol.iterator](): Iterator<[string, M]> {
    return this.items[Symbol.iterator]();
  }
}

/** Parameters by position; tensors become parameters. */
export class ParameterList extends Module {
  private readonly items: (Parameter | Buffer)[];

  constructor(parameters: Iterable<Tensor> = []) {
    super();
    this.items = [...iterable('ParameterList', parameters)].map((each) => toParameter('ParameterList', each));
  }

  override *namedMembers(): Iterable<[name: string, member: Member]> {
    for (const [index, parameter] of this.items.entries()) yield [String(index), parameter];
  }

  /** @throws ArgumentError always */
  override forward(): never {
    throw new ArgumentError('A ParameterList has no forward: use the parameters in it.');
  }

  get length(): number {
    return this.items.length;
  }

  /** The parameter at `index`; negative ones count from the end. @throws ArgumentError when there is none */
  at(index: number): Parameter {
    return this.items[position('ParameterList', index, this.items.length)]!;
  }

  append(parameter: Tensor): this {
    this.items.push(toParameter('ParameterList', parameter));
    return this;
  }

  extend(parameters: Iterable<Tensor>): this {
    for (const parameter of iterable('ParameterList', parameters)) this.append(parameter);
    return this;
  }

  [Symbol.iterator](): Iterator<Parameter> {
    return this.items[Symbol.iterator]();
  }
}

/** Parameters by name; tensors become parameters. */
export class ParameterDict extends Module {
  private readonly items = new Map<string, Parameter | Buffer>();

  constructor(parameters: Readonly<Record<string, Tensor>> | Iterable<readonly [string, Tensor]> = {}) {
    super();
    for (const [name, parameter] of entries('ParameterDict', parameters)) this.set(name, parameter);
  }

  override namedMembers(): Iterable<[name: string, member: Member]> {
    return this.items;
  }

  /** @throws ArgumentError always */
  override forward(): never {
    throw new ArgumentError('A ParameterDict has no forward: use the parameters in it.');
  }

  get size(): number {
    return this.items.size;
  }

  /** @throws ArgumentError when there is none of this name */
  get(name: string): Parameter {
    const parameter = this.items.get(name);
    if (parameter !== undefined) return parameter;
    throw new ArgumentError(
      `The ParameterDict has no "${name}"; it has ${[...this.items.keys()].join(', ') || 'nothing'}.`,
    );
  }

  has(name: string): boolean {
    return this.items.has(name);
  }

  set(name: string, parameter: Tensor): this {
    this.items.set(checkName('ParameterDict', name), toParameter('ParameterDict', parameter));
    return this;
  }

  keys(): Iterable<string> {
    return this.items.keys();
  }

  [Symbol.iterator](): Iterator<[string, Parameter]> {
    return this.items[Symbol.iterator]();
  }
}

function toParameter(container: string, value: Tensor): Parameter | Buffer {
  if (value instanceof Parameter || value instanceof Buffer) return value;
  if (value instanceof Tensor) return new Parameter(value);
  throw new ArgumentError(`${container} takes parameters and tensors, not ${JSON.stringify(value) ?? String(value)}.`);
}

function iterable<T>(container: string, values: Iterable<T>): Iterable<T> {
  if (typeof values === 'object' && values !== null && Symbol.iterator in values) return values;
  throw new ArgumentError(`${container} takes a list, not ${JSON.stringify(values) ?? String(values)}.`);
}

function entries<T>(
  container: string,
  values: Readonly<Record<string, T>> | Iterable<readonly [string, T]>,
): Iterable<readonly [string, T]> {
  if (typeof values === 'object' && values !== null) {
    if (Symbol.iterator in values) return values;
    if (isPlainObject(values)) return Object.entries<T>(values);
  }
  throw new ArgumentError(`${container} takes an object, a Map or pairs of name and value, not ${String(values)}.`);
}
