/** JSON is YAML, and read as such, with its places; but not all of YAML is JSON. */
import { isScalar, visit, type Document } from 'yaml';

import { startOf, type Fault } from './source';

const literal = /^(true|false|null|-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?)$/;

/** What YAML takes and JSON does not. Comments and a comma behind the last item pass, as editors have it for configurations. */
export function notJson(document: Document): Fault[] {
  const faults: Fault[] = [];
  const complain = (node: unknown, message: string) => faults.push({ offset: startOf(node), message });
  visit(document, {
    Pair: (_, { key }) => {
      if (!isQuoted(key)) complain(key, 'in JSON a key stands in double quotes');
    },
    Collection: (_, node) => {
      if (!node.flow) complain(node, 'in JSON a section stands in { } and a list in [ ]');
    },
    Scalar: (where, node) => {
      if (where !== 'key' && !isQuoted(node) && !literal.test(node.source ?? ''))
        complain(node, described(node.source ?? ''));
    },
  });
  return faults;
}

function isQuoted(node: unknown): boolean {
  return isScalar(node) && node.type === 'QUOTE_DOUBLE';
}

function described(source: string): string {
  if (source === '') return 'in JSON a value must stand here';
  const comma = /^\S+\s/.test(source) ? '; is a comma missing?' : '';
  return `in JSON a text stands in double quotes, found ${source.length > 60 ? `${source.slice(0, 60)}...` : source}${comma}`;
}
