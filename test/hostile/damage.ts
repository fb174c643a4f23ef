/** Ways in which files get damaged, and what must come of it: a value, or an error of this package. */
import fc from 'fast-check';

import { TorchwrightError } from '../../lib/errors';

/** The result, or the error's code. Anything but an error of this package fails the test. */
export async function outcome<T>(work: () => T | Promise<T>): Promise<{ value: T } | { code: string }> {
  try {
    return { value: await work() };
  } catch (error) {
    if (error instanceof TorchwrightError) return { code: error.code };
    throw new Error('an error that is none of this package', { cause: error });
  }
}

/** One stretch of a file overwritten, cut out, doubled, or everything from it on gone. */
export interface Damage {
  kind: 'overwrite' | 'remove' | 'repeat' | 'truncate';
  /** Shares of the file's length. */
  at: number;
  bytes: Uint8Array;
}

export const damages = fc.record<Damage>({
  kind: fc.constantFrom('overwrite', 'remove', 'repeat', 'truncate'),
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 9 }),
});

export function damaged(content: Uint8Array, { kind, at, bytes }: Damage): Buffer {
  const start = Math.floor(at * content.length);
  const [before, after] = [content.subarray(0, start), content.subarray(start)];
  if (kind === 'truncate') return Buffer.from(before);
  if (kind === 'overwrite')
    return Buffer.concat([before, bytes, after.subarray(bytes.length)]).subarray(0, content.length);
  if (kind === 'remove') return Buffer.concat([before, after.subarray(bytes.length)]);
  return Buffer.concat([before, after.subarray(0, bytes.length), after]);
}

/** A JSON text with one part damaged: a value in it, anywhere, replaced. */
export const replacements = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>(null, -1, 0.5, 1e308, 2 ** 53, '', '__proto__', [], {}, [[]], true, 'NaN', -0),
);

/** The value with the part at `place` (a number that picks one of all parts) replaced. */
export function withReplaced(value: unknown, place: number, replacement: unknown): unknown {
  const paths: (string | number)[][] = [];
  const walk = (node: unknown, path: (string | number)[]): void => {
    paths.push(path);
    if (Array.isArray(node)) node.forEach((child, index) => walk(child, [...path, index]));
    else if (typeof node === 'object' && node !== null) {
      for (const [key, child] of Object.entries(node)) walk(child, [...path, key]);
    }
  };
  walk(value, []);
  const path = paths[place % paths.length]!;
  if (path.length === 0) return replacement;
  const copy = structuredClone(value) as Record<string | number, unknown>;
  let node = copy;
  for (const key of path.slice(0, -1)) node = node[key] as Record<string | number, unknown>;
  node[path.at(-1)!] = replacement;
  return copy;
}
