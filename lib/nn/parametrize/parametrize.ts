/** Parameters that are computed from others: `layer.weight` becomes what a module makes of what is trained. */
import { ArgumentError, DtypeError, ShapeError } from '../../errors';
import { noGrad, Tensor } from '../../tensor';
import { ModuleDict } from '../layers/containers';
import { Module, type Member } from '../module/module';
import { memberName } from '../module/names';
import { Buffer, Parameter } from '../module/parameter';

/** What a parameter is computed by. */
export interface Parametrization extends Module {
  forward(...originals: Tensor[]): Tensor;
  /** What is trained for `forward` to give this value: one tensor or several. Left out, the value itself. */
  rightInverse?(value: Tensor): Tensor | Tensor[];
}

/** The originals of one parameter, and what makes it of them, one after the other. */
export class ParametrizationList extends Module {
  private readonly originals: [name: string, original: Parameter | Buffer][];
  private readonly steps: Parametrization[];

  constructor(value: Parameter | Buffer, first: Parametrization) {
    super();
    this.steps = [first];
    const inverse = noGrad(() => first.rightInverse?.(value) ?? value);
    const parts = Array.isArray(inverse) ? inverse : [inverse];
    const own = (part: Tensor): Parameter | Buffer => {
      if (part === value) return value;
      const copy = noGrad(() => part.detach().clone());
      return value instanceof Parameter
        ? new Parameter(copy, { requiresGrad: value.requiresGrad })
        : new Buffer(copy, { persistent: value.persistent });
    };
    this.originals = parts.map((part, index) => [Array.isArray(inverse) ? `original${index}` : 'original', own(part)]);
  }

  override *namedMembers(): Iterable<[name: string, member: Member]> {
    yield* this.originals;
    for (const [index, step] of this.steps.entries()) yield [String(index), step];
  }

  /** The parameter. */
  override forward(): Tensor {
    const [first, ...rest] = this.steps;
    const value = first!.forward(...this.originals.map(([, original]) => original));
    return rest.reduce((each, step) => step.forward(each), value);
  }

  get isBuffer(): boolean {
    return this.originals[0]![1] instanceof Buffer;
  }

  /** The one original, if `forward` is of one. */
  get original(): Parameter | Buffer | undefined {
    return this.originals.length === 1 ? this.originals[0]![1] : undefined;
  }

  append(step: Parametrization): void {
    this.steps.push(step);
  }

  /** Sets the originals so that the parameter becomes `value`. @throws ArgumentError when a step has no rightInverse */
  assign(value: Tensor): void {
    noGrad(() => {
      const inverse = [...this.steps].reverse().reduce<Tensor | Tensor[]>((each, step) => {
        if (step.rightInverse !== undefined) return step.rightInverse(each as Tensor);
        throw new ArgumentError(`${step.constructor.name} has no rightInverse, so its parameter cannot be assigned.`);
      }, value);
      const parts = Array.isArray(inverse) ? inverse : [inverse];
      for (const [index, [, original]] of this.originals.entries()) original.copy_(parts[index]!);
    });
  }
}

/** Modules whose parameters are computed have a member `parametrizations`. */
interface Parametrized {
  parametrizations?: ModuleDict<ParametrizationList>;
  [property: string]: unknown;
}

function listOf(module: Module, property: string): ParametrizationList | undefined {
  if (!(module instanceof Module)) throw new ArgumentError('What is parametrized must be a module.');
  const { parametrizations } = module as unknown as Parametrized;
  const name = memberName(property);
  return parametrizations?.has(name) === true ? parametrizations.get(name) : undefined;
}

/**
 * Makes a parameter or buffer of a module what `parametrization` computes, on each use; what is trained in its stead is
 * `parametrizations.NAME.original`. A second one computes on from what the first gives.
 * @param property such as `weight`
 * @param options `unsafe`: allows another shape or dtype than the parameter's
 */
export function registerParametrization<M extends Module>(
  module: M,
  property: string,
  parametrization: Parametrization,
  options: { unsafe?: boolean } = {},
): M {
  if (!(module instanceof Module)) throw new ArgumentError('What is parametrized must be a module.');
  if (!(parametrization instanceof Module)) throw new ArgumentError('A parametrization must be a module.');
  parametrization.train(module.training);
  const fields = module as unknown as Parametrized;
  const before = fields[property] as Tensor | undefined;
  if (!(before instanceof Tensor)) {
    throw new ArgumentError(`${module.constructor.name} has no parameter or buffer "${String(property)}".`);
  }
  const list = listOf(module, property);
  if (list !== undefined) {
    if (options.unsafe !== true)
      checkLike(
        before,
        noGrad(() => parametrization.forward(before)),
      );
    list.append(parametrization);
    return module;
  }
  if (!(before instanceof Parameter || before instanceof Buffer)) {
    throw new ArgumentError(`"${property}" of ${module.constructor.name} is neither parameter nor buffer.`);
  }
  const made = new ParametrizationList(before, parametrization);
  if (options.unsafe !== true)
    checkLike(
      before,
      noGrad(() => made.forward()),
    );
  fields.parametrizations ??= new ModuleDict<ParametrizationList>();
  fields.parametrizations.set(memberName(property), made);
  Object.defineProperty(module, property, {
    // By `this`, so that clones compute of their own originals.
    get(this: Module) {
      return listOf(this, property)!.forward();
    },
    set(this: Module, value: Tensor) {
      listOf(this, property)!.assign(value);
    },
    configurable: true,
    enumerable: false,
  });
  return module;
}

function checkLike(before: Tensor, after: Tensor): void {
  if (!(after instanceof Tensor)) throw new ArgumentError('A parametrization must give a tensor.');
  if (before.shape.join() !== after.shape.join()) {
    throw new ShapeError(
      `A parametrization must not change the shape: [${before.shape.join(', ')}] became [${after.shape.join(', ')}].`,
    );
  }
  if (before.dtype !== after.dtype) {
    throw new DtypeError(`A parametrization must not change the dtype: ${before.dtype} became ${after.dtype}.`);
  }
}

/** Whether a module, or the given property of it, is parametrized. */
export function isParametrized(module: Module, property?: string): boolean {
  if (property !== undefined) return listOf(module, property) !== undefined;
  return ((module as unknown as Parametrized).parametrizations?.size ?? 0) > 0;
}

/**
 * Makes a parameter an ordinary one again, with the value it has; or, with `leaveParametrized: false`, with its original.
 * @throws ArgumentError when it is not parametrized, or has several originals and is to become its original
 */
export function removeParametrizations<M extends Module>(
  module: M,
  property: string,
  options: { leaveParametrized?: boolean } = {},
): M {
  const list = listOf(module, property);
  if (list === undefined) throw new ArgumentError(`"${property}" of ${module.constructor.name} is not parametrized.`);
  const { original } = list;
  const keepsValue = options.leaveParametrized !== false;
  if (!keepsValue && original === undefined) {
    throw new ArgumentError(`"${property}" is made of several originals, so it can only keep its value.`);
  }
  const value = noGrad(() => list.forward().detach().clone());
  if (original !== undefined && keepsValue) noGrad(() => original.setData(value));
  const plain = original ?? (list.isBuffer ? new Buffer(value) : new Parameter(value));
  const fields = module as unknown as Parametrized;
  fields.parametrizations!.delete(memberName(property));
  if (fields.parametrizations!.size === 0) delete fields.parametrizations;
  Object.defineProperty(module, property, { value: plain, writable: true, enumerable: true, configurable: true });
  return module;
}
