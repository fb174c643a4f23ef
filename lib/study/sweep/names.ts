/** How settings are called: in tables, in figures, in the names of folders. */
import { stringify } from 'yaml';

/** A value as a user would write it. */
export function valueText(value: unknown): string {
  return typeof value === 'string' ? value : stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim();
}

/** Each key by its last parts, as many as tell it from the others: `learningRate`, but `DeLighT.hiddenSize`. */
export function shortNames(keys: readonly string[]): Map<string, string> {
  const partsOf = (key: string, count: number) => key.split('.').slice(-count).join('.');
  const shortest = (key: string) => {
    const depth = key.split('.').length;
    for (let count = 1; count < depth; count++) {
      const name = partsOf(key, count);
      if (keys.every((other) => other === key || partsOf(other, count) !== name)) return name;
    }
    return key;
  };
  return new Map(keys.map((key) => [key, shortest(key)]));
}

/** `learningRate 0.001, hiddenSize 64` */
export function titleOf(settings: Readonly<Record<string, unknown>>, names: ReadonlyMap<string, string>): string {
  return Object.entries(settings)
    .map(([key, value]) => `${names.get(key)!} ${valueText(value)}`)
    .join(', ');
}

const longestSlug = 80;

/** `03_learningRate=0.001_hiddenSize=64`: numbers as wide as the last one, which keeps the order of files. */
export function slugOfTrial(
  number: number,
  count: number,
  settings: Readonly<Record<string, unknown>>,
  names: ReadonlyMap<string, string>,
): string {
  const parts = Object.entries(settings).map(([key, value]) => `${names.get(key)!}=${valueText(value)}`);
  const text = parts.join('_').replace(/[^A-Za-z0-9.=_+-]+/g, '-');
  return `${String(number).padStart(String(count).length, '0')}_${text}`.slice(0, longestSlug).replace(/[-._]+$/, '');
}
