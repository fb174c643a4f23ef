/** From zod's issues to problems a reader understands: what was expected at which path, and what stands there. */
import { inspect } from 'node:util';

import type { z } from 'zod';

import { knownKeys, nearestKey } from './known-keys';

export interface Problem {
  path: string[];
  /** Whether the key itself is wrong, or what it holds. */
  part: 'key' | 'value';
  message: string;
}

type Issue = z.core.$ZodIssue;

/** Every problem of `input`, by `schema`. */
export function problemsOf(issues: readonly Issue[], schema: z.ZodType, input: unknown): Problem[] {
  return issues.flatMap((issue) => problemsOfIssue(issue, [], schema, input));
}

function problemsOfIssue(issue: Issue, base: readonly string[], schema: z.ZodType, input: unknown): Problem[] {
  const path = [...base, ...issue.path.map(String)];
  const inner = (issues: readonly Issue[]) => issues.flatMap((part) => problemsOfIssue(part, path, schema, input));
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schema, path);
    return issue.keys.map((key) => ({ path: [...path, key], part: 'key', message: unknownKey(key, known) }));
  }
  if (issue.code === 'invalid_union') {
    const branch = intendedBranch(issue.errors);
    if (branch) return inner(branch);
  }
  if (issue.code === 'invalid_element') return inner(issue.issues);
  return [{ path, part: 'value', message: describe(issue, valueAt(input, path)) }];
}

function unknownKey(key: string, known: readonly string[]): string {
  const nearest = nearestKey(key, known);
  if (nearest !== undefined) return `unknown key; did you mean ${nearest}?`;
  return known.length > 0 ? `unknown key; known here: ${known.join(', ')}` : 'unknown key; none is known here';
}

/** The alternative the user had in mind: the one whose kind of value fits, with the fewest faults. */
function intendedBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const isOfOtherKind = ({ code, path }: Issue) =>
    path.length === 0 && (code === 'invalid_type' || code === 'invalid_value');
  return branches.filter((issues) => !issues.some(isOfOtherKind)).sort((a, b) => a.length - b.length)[0];
}

function describe(issue: Issue, value: unknown): string {
  const expected = expectations(issue);
  if (expected.length > 0) {
    const wanted = `expected ${[...new Set(expected)].join(' or ')}`;
    return value === undefined ? `missing; ${wanted}` : `${wanted}, found ${kindOf(value)}`;
  }
  if (issue.code === 'custom') return issue.message;
  const message = issue.message.charAt(0).toLowerCase() + issue.message.slice(1);
  return `${message}, found ${kindOf(value)}`;
}

/** What the schema would take, where the value is of another kind. */
function expectations(issue: Issue): string[] {
  if (issue.code === 'invalid_type') return [kinds[issue.expected] ?? issue.expected];
  if (issue.code === 'invalid_value') return issue.values.map((value) => JSON.stringify(value));
  if (issue.code !== 'invalid_union') return [];
  const { options } = issue as { options?: unknown[] };
  if (options) return options.map((value) => JSON.stringify(value));
  return issue.errors.flatMap((branch) => branch.filter(({ path }) => path.length === 0).flatMap(expectations));
}

const kinds: Partial<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a section',
  record: 'a section',
  array: 'a list',
  tuple: 'a list',
};

function kindOf(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (typeof value === 'object') return 'a section';
  return typeof value === 'function' ? 'a function' : inspect(value);
}

function valueAt(root: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (node, name) => (typeof node === 'object' && node !== null ? (node as Record<string, unknown>)[name] : undefined),
    root,
  );
}
