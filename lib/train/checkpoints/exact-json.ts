/** JSON from which every number comes back to the bit: those that JSON has no words for are written as `{ "$number": "NaN" }`. */
import { parseJson, type JsonValue } from '../../json';

const key = '$number';

export function toExactJson(value: JsonValue): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'number' && (!Number.isFinite(each) || Object.is(each, -0))
      ? { [key]: Object.is(each, -0) ? '-0' : String(each) }
      : each,
  );
}

/** @throws SyntaxError for what is not JSON */
export function fromExactJson(text: string | Uint8Array): JsonValue {
  return revived(parseJson(text) as JsonValue);
}

function revived(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return (value as JsonValue[]).map(revived);
  const entries = Object.entries(value);
  if (entries.length === 1 && entries[0]![0] === key) return Number(entries[0]![1]);
  return Object.fromEntries(entries.map(([name, each]) => [name, revived(each)]));
}

/** A copy as it would come back from a file: without what is undefined. */
export const exactCopy = <T extends JsonValue>(value: T): T => fromExactJson(toExactJson(value)) as T;
