import { stringify } from 'yaml';

/** A resolved configuration as YAML text that reads back the same. Keys whose value is undefined are left out. */
export function formatConfig(value: unknown): string {
  return stringify(value, { aliasDuplicateObjects: false, lineWidth: 0 });
}
