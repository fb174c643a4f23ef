/** How the members of modules are called in `stateDict()`, and how names lead back to them. */
import { ArgumentError } from '../../errors';
import { nearest } from '../../tensor/nearest';

const known = new Map<string, string>();

/**
 * A property's name as PyTorch would write it: `runningMean` is `running_mean`, `norm1` and `A_log` stay as they are. So modules
 * that are written in TypeScript's style have the names of their models in Python, and read their files.
 */
export function memberName(property: string): string {
  let name = known.get(property);
  if (name === undefined) {
    name = property.replace(/(?<=[a-z0-9])[A-Z]+/g, (capitals) => `_${capitals.toLowerCase()}`);
    known.set(property, name);
  }
  return name;
}

export function join(prefix: string, name: string): string {
  return prefix === '' ? name : name === '' ? prefix : `${prefix}.${name}`;
}

/**
 * What has the full name `path`.
 * @throws ArgumentError that says which name is nearest
 */
export function find<T>(path: string, named: Iterable<readonly [string, T]>, what: string): T {
  const names: string[] = [];
  for (const [name, found] of named) {
    if (name === path) return found;
    names.push(name);
  }
  const hint = nearest(String(path), names) ?? nearest(memberName(String(path)), names);
  const asked = JSON.stringify(path) ?? String(path);
  throw new ArgumentError(
    `The module has no ${what} ${asked}${hint === undefined ? '.' : `; did you mean "${hint}"?`}`,
  );
}
