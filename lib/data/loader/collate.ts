/** A batch out of samples, as PyTorch's `default_collate` makes it. */
import { ArgumentError, ShapeError } from '../../errors';
import { Tensor, tensor, torch, type TypedArray } from '../../tensor';
import { isPlainObject } from '../../tensor/scope';

/** What `collate` makes of samples of a type. */
export type Collated<T> = T extends Tensor | number | bigint | boolean | TypedArray
  ? Tensor
  : T extends string
    ? string[]
    : T extends readonly unknown[]
      ? { -readonly [Field in keyof T]: Collated<T[Field]> }
      : T extends object
        ? { [Field in keyof T]: Collated<T[Field]> }
        : never;

/**
 * Puts samples together, with a new first dimension: tensors and typed arrays are stacked; numbers make a `float32` tensor, bigints
 * `int64`, booleans `bool`; strings a list. Of arrays, which are tuples such as [input, target], and of objects, each field by itself.
 *
 * @throws ShapeError for samples of different sizes; ArgumentError for what has no such form
 */
export function collate<T>(samples: readonly T[]): Collated<T> {
  return collateField(samples, 'a sample') as Collated<T>;
}

function collateField(values: readonly unknown[], name: string): unknown {
  const [first] = values;
  const kind = kindOf(first);
  const other = values.find((value) => kindOf(value) !== kind);
  if (kind === undefined || other !== undefined || values.length === 0) {
    const found =
      values.length === 0
        ? 'none'
        : kind === undefined
          ? String(first)
          : `${kind} and ${kindOf(other) ?? String(other)}`;
    throw new ArgumentError(
      `No batch can be made of ${name}: ${found}. Give tensors, typed arrays, numbers, booleans, strings, or arrays and objects of these; or a ` +
        'collate function of your own.',
    );
  }
  switch (kind) {
    case 'tensor':
      sameSizes(values as Tensor[], ({ shape }) => `[${shape.join(', ')}]`, name);
      return torch.stack(values as Tensor[]);
    case 'typed array':
      return stackArrays(values as TypedArray[], name);
    case 'string':
      return values;
    case 'array':
      sameSizes(values as unknown[][], ({ length }) => `${length}`, name);
      return (first as unknown[]).map((_, index) =>
        collateField(
          values.map((value) => (value as unknown[])[index]),
          `${name}[${index}]`,
        ),
      );
    case 'object':
      return collateObjects(values as Record<string, unknown>[], name);
    default:
      return tensor(values as number[]);
  }
}

function kindOf(value: unknown): string | undefined {
  if (value instanceof Tensor) return 'tensor';
  if (ArrayBuffer.isView(value)) return value instanceof DataView ? undefined : 'typed array';
  if (Array.isArray(value)) return 'array';
  if (isPlainObject(value)) return 'object';
  return ['number', 'bigint', 'boolean', 'string'].find((kind) => typeof value === kind);
}

function sameSizes<T>(values: readonly T[], sizeOf: (value: T) => string, name: string): void {
  const sizes = new Set(values.map(sizeOf));
  if (sizes.size === 1) return;
  throw new ShapeError(
    `${name} has different sizes in a batch: ${[...sizes].slice(0, 5).join(', ')}. Pad them to one size in a collate function of your own.`,
  );
}

function stackArrays(arrays: readonly TypedArray[], name: string): Tensor {
  const [first] = arrays as [TypedArray];
  sameSizes(arrays, (array) => `${array.constructor.name} of ${array.length}`, name);
  const Kind = first.constructor as new (length: number) => TypedArray;
  const all = new (first instanceof Buffer ? Uint8Array : Kind)(arrays.length * first.length);
  arrays.forEach((array, index) => (all as Uint8Array).set(array as Uint8Array, index * first.length));
  return tensor(all, { shape: [arrays.length, first.length] });
}

function collateObjects(objects: readonly Record<string, unknown>[], name: string): Record<string, unknown> {
  const keysOf = (object: Record<string, unknown>) => Object.keys(object).sort().join(', ');
  const keys = new Set(objects.map(keysOf));
  if (keys.size > 1)
    throw new ArgumentError(`${name} has different fields in a batch: ${[...keys].slice(0, 3).join(' | ')}.`);
  const fields = Object.keys(objects[0] as object);
  return Object.fromEntries(
    fields.map((field) => [
      field,
      collateField(
        objects.map((object) => object[field]),
        `${name}.${field}`,
      ),
    ]),
  );
}
