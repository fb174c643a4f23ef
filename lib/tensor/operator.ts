/** Calls any operator of libtorch by name: values of JavaScript in, Tensors and plain values out. */
import { ArgumentError } from '../errors';
import { native, type Handle } from '../native';
import { applyModes, currentContext, type Context } from './context';
import { explain } from './explain';
import { beginCall, booleanAt, isWhole, kindOf, mostValues, place } from './frame';
import { Kind, numbersAsTensors } from './kinds';
import { resolve, type CallKinds, type Resolution } from './resolve';
import { overloadsOf, type Overload, type ReturnValue } from './schema';
import { isPlainObject } from './scope';
import { Tensor } from './tensor';

type Options = Readonly<Record<string, unknown>>;
const noOptions: Options = Object.freeze({});

/** A call of known kinds: everything that follows from them. */
interface Plan {
  /** The addon's number of it. */
  id: number;
  returns: readonly Returned[];
  /** The slot of `requiresGrad`, or -1. */
  gradSlot: number;
}

/** Where a result comes from. */
interface Returned extends ReturnValue {
  /** The slot of the argument that the result is, or -1. */
  slot: number;
}

/** The calls seen before, as a tree: from kind to kind of the values, and then from option to option. */
class Branch {
  plan: Plan | undefined;
  readonly byKind = new Array<Branch | undefined>(Kind.Other + 1).fill(undefined);
  /** The option that was seen first, which is mostly the only one: found without a look into the map of all. */
  #firstName: string | undefined;
  #first: Branch | undefined;
  #byName: Map<string, Branch> | undefined;

  to(kind: Kind): Branch {
    return (this.byKind[kind] ??= new Branch());
  }

  option(name: string): Branch | undefined {
    return name === this.#firstName ? this.#first : this.#byName?.get(name);
  }

  toOption(name: string, kind: Kind): Branch {
    let option = this.option(name);
    if (option === undefined) {
      option = new Branch();
      this.#firstName ??= name;
      this.#first ??= option;
      (this.#byName ??= new Map<string, Branch>()).set(name, option);
    }
    return option.to(kind);
  }
}

/** Where a call goes whose like has not been seen. */
const nowhere = new Branch();

/** One operator with all its overloads; calls of known kinds go straight to the overload found before. */
export class Operator {
  #overloads: Overload[] | undefined;
  readonly #seen = new Branch();

  /**
   * @param name qualified name, such as `aten::log_softmax`
   * @param shownAs how errors name it, such as `torch.logSoftmax`
   */
  constructor(
    readonly name: string,
    readonly shownAs: string,
  ) {}

  /**
   * Values by position in schema order, then perhaps an object of options by name; `undefined` stands for the default.
   * @param self the first value, of methods
   * @throws ArgumentError when no overload takes the values; the message lists the overloads
   */
  call(values: readonly unknown[], self?: Tensor): unknown {
    return this.#call(values, self, false);
  }

  // The way of nearly every call: small enough that V8 makes one piece of it and all that it calls.
  #call(values: readonly unknown[], self: Tensor | undefined, again: boolean): unknown {
    const call = beginCall();
    let count = values.length;
    while (count > 0 && values[count - 1] === undefined) count--;
    let branch = this.#seen;
    let slot = 0;
    if (self !== undefined) branch = branch.byKind[place(slot++, self)] ?? nowhere;
    let options = noOptions;
    for (let index = 0; index < count; index++) {
      const value = values[index];
      const kind = place(slot, value);
      if (kind === Kind.Other && index === count - 1 && isPlainObject(value)) {
        options = value;
        branch = followOptions(branch, slot, options);
      } else {
        branch = branch.byKind[kind] ?? nowhere;
        slot++;
      }
    }
    const { plan } = branch;
    if (plan === undefined || !isWhole(call)) return this.#callNew(call, values, self, again);
    return run(plan, values, self, options);
  }

  /** A call whose like has not been seen, or that cannot be made. */
  #callNew(call: number, values: readonly unknown[], self: Tensor | undefined, again: boolean): unknown {
    if (!isWhole(call)) {
      throw new ArgumentError(`${this.shownAs}: a value calls operators while it is read; read it before the call.`);
    }
    if (again) throw new ArgumentError(`${this.shownAs}: a value changes while it is read.`);
    const given = self === undefined ? [...values] : [self, ...values];
    while (given.length > 0 && given.at(-1) === undefined) given.pop();
    const last = given.at(-1);
    const options = kindOf(last) === Kind.Other && isPlainObject(last) ? last : noOptions;
    if (options !== noOptions) given.pop();
    if (given.length + Object.keys(options).length > mostValues) {
      throw new ArgumentError(`${this.shownAs}: an operator takes at most ${mostValues} values.`);
    }
    this.#resolve(given, options);
    return this.#call(values, self, true);
  }

  /** Finds the overload for a call whose like has not been seen, and remembers it. */
  #resolve(positional: readonly unknown[], options: Options): void {
    this.#overloads ??= overloadsOf(this.name);
    if (this.#overloads.length === 0) {
      throw new ArgumentError(
        `${this.shownAs}: libtorch ${native.versions().loaded} has no operator "${this.name}" that can be called from here.`,
      );
    }
    const call: CallKinds = {
      positional: positional.map(kindOf),
      options: new Map(Object.entries(options).map(([name, value]) => [name, kindOf(value)])),
      numbers: numbersAsTensors.has(this.name),
    };
    const found = resolve(this.#overloads, call);
    if (found === undefined) throw explain(this.shownAs, this.#overloads, call, options);
    let branch = this.#seen;
    for (const kind of call.positional) branch = branch.to(kind);
    for (const [name, kind] of call.options) branch = branch.toOption(name, kind);
    branch.plan = planOf(found);
  }
}

function followOptions(from: Branch, first: number, options: Options): Branch {
  let branch = from;
  let slot = first;
  for (const name in options) {
    const kind = place(slot++, options[name]);
    branch = branch.option(name)?.byKind[kind] ?? nowhere;
  }
  return branch;
}

function planOf({ overload, forms, gradSlot }: Resolution): Plan {
  const returns = overload.returns.map((returned) => ({
    ...returned,
    slot: returned.argument === undefined ? -1 : forms[2 * returned.argument + 1]!,
  }));
  return { id: native.plan(overload.id, forms), returns, gradSlot };
}

/** Makes the call whose values lie in the frame. */
function run(plan: Plan, values: readonly unknown[], self: Tensor | undefined, options: Options): unknown {
  const { returns, gradSlot } = plan;
  const marksGrad = gradSlot >= 0 && booleanAt(gradSlot);
  const context = currentContext();
  applyModes(context);
  const result: unknown = native.call(plan.id);
  if (returns.length === 1) {
    const returned = returns[0]!;
    if (returned.slot >= 0) return valueAt(returned.slot, values, self, options);
    const given = giveBack(returned, result, context);
    if (marksGrad) (given as Tensor).requiresGrad = true;
    return given;
  }
  if (returns.length === 0) return undefined;
  return returns.map((returned, index) =>
    returned.slot >= 0
      ? valueAt(returned.slot, values, self, options)
      : giveBack(returned, (result as unknown[])[index], context),
  );
}

function giveBack({ type }: Returned, value: unknown, context: Context): unknown {
  if (type.base !== 'Tensor' || value === null) return value;
  if (!type.list) return new Tensor(value as Handle, context);
  return (value as Handle[]).map((handle) => new Tensor(handle, context));
}

/** The value that was written into a slot. */
function valueAt(slot: number, values: readonly unknown[], self: Tensor | undefined, options: Options): unknown {
  const all = self === undefined ? values : [self, ...values];
  const count = options === noOptions ? all.length : all.length - 1;
  return slot < count ? all[slot] : Object.values(options)[slot - count];
}

const operators = new Map<string, Operator>();

/** The one Operator of this name. */
export function operatorNamed(name: string, shownAs: string): Operator {
  let found = operators.get(name);
  if (found === undefined) operators.set(name, (found = new Operator(name, shownAs)));
  return found;
}

/**
 * Any operator of libtorch or of a loaded library by its qualified name, for those without a method of their own:
 * `torch.operator('aten::_softmax')(x, -1, false)`.
 * @throws ArgumentError when there is no such operator
 */
export function operator(name: string): (...values: unknown[]) => unknown {
  if (native.schemas(name).length === 0) throw new ArgumentError(`There is no operator "${name}".`);
  const found = operatorNamed(name, name);
  return (...values) => found.call(values);
}
