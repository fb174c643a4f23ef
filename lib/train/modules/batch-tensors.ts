/** Finds the tensors in batches of any form. */
import { Tensor } from '../../tensor';

/** Each with its place, such as `batch.x[0]`. What is met again, as in a batch that leads back to itself, is passed over. */
export function* tensorsIn(
  value: unknown,
  place = 'batch',
  seen = new Set<object>(),
): Generator<readonly [place: string, tensor: Tensor], void, undefined> {
  if (value instanceof Tensor) return yield [place, value];
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || seen.has(value)) return;
  seen.add(value);
  const isList = Array.isArray(value);
  const parts: Iterable<[unknown, unknown]> = isList || value instanceof Map ? value.entries() : Object.entries(value);
  for (const [key, part] of parts) {
    if (typeof part !== 'object' || part === null) continue;
    yield* tensorsIn(part, isList ? `${place}[${String(key)}]` : `${place}.${String(key)}`, seen);
  }
}
