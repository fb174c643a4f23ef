/** Lists that a function checks by itself. */
import { ShapeError } from '../../errors';

/**
 * The elements of a list, its length and each of them read once: what a caller passes may change while it is read.
 * @param what how the error names it
 * @throws ShapeError when it is no list, or has more than `most` elements
 */
export function elementsOf(list: unknown, most: number, what: string): unknown[] {
  if (!Array.isArray(list)) throw new ShapeError(`${what} is a list.`);
  const { length } = list;
  if (!(length <= most)) throw new ShapeError(`${what} has ${most} elements at most, not ${length}.`);
  const elements: unknown[] = [];
  for (let index = 0; index < length; index++) elements.push(list[index]);
  return elements;
}
