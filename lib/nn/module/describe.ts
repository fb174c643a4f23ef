/** How modules look in a log: the tree of their layers, as PyTorch prints it. */
import { childrenOf, type Tree } from './tree';

/** A module as printing sees it. */
export interface Described extends Tree<Described> {
  extraRepr(): string;
}

/** `Linear(inFeatures=4, outFeatures=2, bias=true)`; children below each other, those that look alike counted. */
export function describe(module: Described): string {
  const children = collapse(Array.from(childrenOf(module), ([name, child]) => [name, describe(child)] as const));
  const extra = module.extraRepr();
  if (children.length === 0) return `${module.constructor.name}(${extra})`;
  const lines = [...(extra === '' ? [] : [extra]), ...children];
  return `${module.constructor.name}(\n${lines.map((line) => `  ${line.replaceAll('\n', '\n  ')}`).join('\n')}\n)`;
}

/** Numbered neighbours that look alike become one line: `(0-2): 3 x ReLU()`. */
function collapse(children: readonly (readonly [name: string, text: string])[]): string[] {
  const lines: string[] = [];
  for (let start = 0; start < children.length;) {
    const [first, text] = children[start]!;
    let end = start + 1;
    while (end < children.length && isNumbered(first) && children[end]![1] === text && follows(children, end)) end++;
    const count = end - start;
    lines.push(
      count === 1 ? `(${first}): ${text}` : `(${first}-${lastNumber(children[end - 1]![0])}): ${count} x ${text}`,
    );
    start = end;
  }
  return lines;
}

const isNumbered = (name: string): boolean => /(?:^|\.)\d+$/.test(name);
const lastNumber = (name: string): string => /\d+$/.exec(name)![0];

/** Whether the child at `index` has the number after its neighbour's, under the same name. */
function follows(children: readonly (readonly [name: string, text: string])[], index: number): boolean {
  const [name, before] = [children[index]![0], children[index - 1]![0]];
  return isNumbered(name) && name === before.replace(/\d+$/, (number) => String(Number(number) + 1));
}

/** `inFeatures=4, bias=true` of `{ inFeatures: 4, bias: true }`; arrays as lists, undefined left out. */
export function listValues(values: Readonly<Record<string, unknown>>): string {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${showValue(value)}`)
    .join(', ');
}

function showValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(showValue).join(', ')}]`;
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'function') return value.name;
  return String(value);
}
