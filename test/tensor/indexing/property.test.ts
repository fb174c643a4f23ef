/** `at` and `set` against a definition of indexing in plain JavaScript, over arbitrary shapes and indices. */
import fc from 'fast-check';

import { slice, Slice, torch, type Index } from '../../../lib/tensor';

type Part = number | null | '...' | Slice | number[];

/** The positions of a range, one by one. */
function range({ start, stop, step }: Slice, size: number): number[] {
  const end = (bound: number) => Math.max(0, Math.min(size, bound < 0 ? bound + size : bound));
  const positions: number[] = [];
  for (let position = end(start); position < end(stop); position += step) positions.push(position);
  return positions;
}

/**
 * The shape of a result and, element by element, the places in row-major memory it is made of. Lists all have one length, and
 * make one dimension: where they stand when they are side by side, else the first. Numbers do not part them.
 */
function plainIndex(shape: readonly number[], index: readonly Part[]): { shape: number[]; places: number[] } {
  const used = index.filter((part) => part !== null && part !== '...').length;
  const whole = (count: number): Part[] => Array.from({ length: count }, () => slice());
  const cut = index.indexOf('...');
  const left = whole(shape.length - used);
  const parts = cut < 0 ? [...index, ...left] : [...index.slice(0, cut), ...left, ...index.slice(cut + 1)];

  /** Dimensions of the result: for each of its positions, what it adds to the place in memory. */
  const dimensions: number[][] = [];
  let origin = 0;
  let lists: number[] | undefined;
  let place = 0;
  let gap = false;
  let dimension = 0;
  for (const part of parts) {
    if (part === null) {
      dimensions.push([0]);
      gap ||= lists !== undefined;
      continue;
    }
    const size = shape[dimension]!;
    const stride = shape.slice(dimension + 1).reduce((product, each) => product * each, 1);
    dimension++;
    const from = (position: number) => (position < 0 ? position + size : position) * stride;
    if (typeof part === 'number') origin += from(part);
    else if (Array.isArray(part)) {
      if (lists === undefined) place = dimensions.length;
      else if (gap) place = 0;
      const before = lists;
      lists = part.map((position, i) => from(position) + (before?.[i] ?? 0));
    } else {
      gap ||= lists !== undefined;
      dimensions.push(range(part as Slice, size).map((position) => position * stride));
    }
  }
  if (lists !== undefined) dimensions.splice(place, 0, lists);
  let places = [origin];
  for (const steps of dimensions) places = places.flatMap((from) => steps.map((step) => from + step));
  return { shape: dimensions.map((steps) => steps.length), places };
}

const bound = fc.option(fc.integer({ min: -6, max: 6 }));

/** A shape, and an index that fits it. */
const shapesAndIndices = fc
  .array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 })
  .chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      used: fc.integer({ min: 0, max: shape.length }),
      ellipsis: fc.boolean(),
      length: fc.integer({ min: 0, max: 3 }),
      kinds: fc.array(fc.constantFrom('number', 'range', 'list'), { minLength: 4, maxLength: 4 }),
      axes: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 2 }),
      numbers: fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 16, maxLength: 16 }),
      bounds: fc.array(fc.tuple(bound, bound, fc.integer({ min: 1, max: 3 })), { minLength: 4, maxLength: 4 }),
    }),
  )
  .map(({ shape, used, ellipsis, length, kinds, axes, numbers, bounds }) => {
    let next = 0;
    const position = (size: number) => (numbers[next++]! % (2 * size)) - size;
    const last = shape.length - used;
    const parts: Part[] = [];
    for (let place = 0; place < used; place++) {
      // With an ellipsis the second half of the parts stands for the last dimensions.
      const size = shape[ellipsis && place >= Math.ceil(used / 2) ? place + last : place]!;
      if (kinds[place] === 'number') parts.push(position(size));
      else if (kinds[place] === 'range') parts.push(slice(...bounds[place]!));
      else parts.push(Array.from({ length }, () => position(size)));
    }
    if (ellipsis) parts.splice(Math.ceil(used / 2), 0, '...');
    for (const axis of axes) parts.splice(Math.min(axis, parts.length), 0, null);
    return { shape, parts };
  });

test('reads and writes as defined', () => {
  fc.assert(
    fc.property(shapesAndIndices, ({ shape, parts }) => {
      torch.scope(() => {
        const expected = plainIndex(shape, parts);
        const count = shape.reduce((product, size) => product * size, 1);
        const x = torch.arange(count, { dtype: 'float64' }).view(shape);
        const index = parts as Index[];
        const read = x.at(...index);
        expect(read.shape).toEqual(expected.shape);
        expect(Array.from(read.dataSync(), Number)).toEqual(expected.places);
        // What autograd records part by part lies as what is made in one step.
        const recorded = x
          .clone()
          .requiresGrad_()
          .at(...index);
        expect(recorded.detach().equal(read)).toBe(true);
        if (!parts.some(Array.isArray))
          expect([recorded.stride(), recorded.storageOffset()]).toEqual([read.stride(), read.storageOffset()]);

        const written = Array.from({ length: count }, (_, place) => place);
        for (const place of expected.places) written[place] = -1;
        x.set(...index, -1);
        expect(Array.from(x.dataSync(), Number)).toEqual(written);
      });
    }),
    { numRuns: 1000 },
  );
});
