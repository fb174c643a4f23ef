/** Elements in brackets and lines: the last dimension along the lines, one more empty line for each further one between. */
import type { Texts } from './elements';
import type { PrintOptions } from './options';

/** Whether so many elements are more than are shown whole. */
export function isCut(numel: number, { threshold }: PrintOptions): boolean {
  return numel > threshold;
}

/** Whether only the edges of a dimension are shown, in a tensor that is cut. */
export function isLong(size: number, { edgeItems }: PrintOptions): boolean {
  return size > 2 * edgeItems;
}

/**
 * @param shape of the whole tensor, without a dimension of size 0
 * @param elements those shown, row-major
 * @param indent characters that stand before the first bracket
 */
export function layOut(shape: readonly number[], elements: Texts, indent: number, options: PrintOptions): string {
  const { texts, width } = elements;
  const cut = isCut(
    shape.reduce((product, size) => product * size, 1),
    options,
  );
  let next = 0;
  const level = (dimension: number): string => {
    if (dimension === shape.length) return texts[next++]!;
    const size = shape[dimension]!;
    const long = cut && isLong(size, options);
    const parts = Array.from({ length: long ? 2 * options.edgeItems : size }, () => level(dimension + 1));
    const inner = shape.length - dimension - 1;
    if (long) parts.splice(options.edgeItems, 0, inner === 0 ? ' ...' : '...');
    const margin = ' '.repeat(indent + dimension + 1);
    if (inner > 0) return `[${parts.join(`,${'\n'.repeat(inner)}${margin}`)}]`;
    const perLine = Math.max(1, Math.floor((options.lineWidth - indent - dimension) / (width + 2)));
    const lines: string[] = [];
    for (let start = 0; start < parts.length; start += perLine) {
      lines.push(parts.slice(start, start + perLine).join(', '));
    }
    return `[${lines.join(`,\n${margin}`)}]`;
  };
  return level(0);
}
