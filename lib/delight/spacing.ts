/** Spacing of numbers exactly as the reference does it, where a digit decides a size; and the nearest value that is possible. */

/** `count` evenly spaced values from `start` to exactly `stop`; one value is `start`. In the order of operations of numpy's. */
export function linspace(start: number, stop: number, count: number): number[] {
  const step = (stop - start) / (count - 1);
  return Array.from({ length: count }, (_, index) =>
    index === 0 ? start : index === count - 1 ? stop : index * step + start,
  );
}

/** The positive whole number nearest to `value` for which `possible` holds, if there is one within reach. */
function nearestWhere(value: number, possible: (candidate: number) => boolean): number | undefined {
  const start = Math.max(1, Math.round(value));
  for (let distance = 0; distance <= 512; distance++) {
    for (const candidate of [start - distance, start + distance]) {
      if (candidate >= 1 && possible(candidate)) return candidate;
    }
  }
  return undefined;
}

/**
 * The end of a message about an impossible value: the nearest possible one; where another value is impossible as well, the nearest that
 * would be possible but for that.
 *
 * @param faultsWith - keys that are impossible with a candidate in the place of the value of `key`
 */
export function nearestWords(key: string, value: number, faultsWith: (candidate: number) => string[]): string {
  const nearest =
    nearestWhere(value, (candidate) => faultsWith(candidate).length === 0) ??
    nearestWhere(value, (candidate) => !faultsWith(candidate).includes(key));
  return nearest === undefined ? '' : `; the nearest possible value is ${nearest}`;
}
