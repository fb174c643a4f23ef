/** State dicts: a module's values by name, out and in. */
import { ArgumentError, CheckpointError } from '../../errors';
import { noGrad, scope, type Tensor } from '../../tensor';
import { canHaveGradient } from './placement';

/** Tensors by their full names, in the module's order. */
export type StateDict = Map<string, Tensor>;

export interface LoadOptions {
  /** Refuses names that are missing or unexpected. Default true; `false` loads what is there, and the result tells the rest. */
  strict?: boolean;
  /** Loads only names that begin with it, without it: `'encoder.'` loads the encoder of a larger model's state into an encoder. */
  prefix?: string;
  /** Leaves out values whose shape is not the module's, and tells their names, instead of refusing them. Default false. */
  ignoreMismatched?: boolean;
  /** Takes over the state's memory, dtype and device instead of copying into the module's. Default false. */
  assign?: boolean;
}

export interface LoadResult {
  /** Names of the module that the state did not have. */
  missing: string[];
  /** Names of the state that the module does not have. */
  unexpected: string[];
  /** Names left out under `ignoreMismatched`. */
  mismatched: string[];
}

/** Problems named in one message; the rest are counted. */
const mostNamed = 20;

/**
 * Brings `state` into `targets`, all or nothing. A tensor that has several names is there if one of them is.
 * @throws CheckpointError
 */
export function loadState(
  targets: ReadonlyMap<string, Tensor>,
  state: Iterable<readonly [string, Tensor]>,
  options: LoadOptions = {},
): LoadResult {
  const { strict = true, prefix = '', ignoreMismatched = false, assign = false } = options;
  const values = new Map<string, Tensor>();
  for (const [name, value] of entriesOf(state))
    if (name.startsWith(prefix)) values.set(name.slice(prefix.length), value);
  const there = new Set<Tensor>();
  for (const [name, target] of targets) if (values.has(name)) there.add(target);
  const missing = [...targets].filter(([, target]) => !there.has(target)).map(([name]) => name);
  const unexpected = [...values.keys()].filter((name) => !targets.has(name));
  const mismatched: string[] = [];
  const problems = strict
    ? [...missing.map((name) => `missing: ${name}`), ...unexpected.map((name) => `unexpected: ${name}`)]
    : [];
  const pairs: [Tensor, Tensor][] = [];
  for (const [name, target] of targets) {
    const value = values.get(name);
    if (value === undefined) continue;
    const shapes = shapeProblem(target, value);
    const problem = shapes ?? (assign ? undefined : dtypeProblem(target, value));
    if (problem === undefined) pairs.push([target, value]);
    else if (ignoreMismatched && shapes !== undefined) mismatched.push(name);
    else problems.push(`${name}: ${problem}`);
  }
  if (problems.length > 0) throw refusal(problems, prefix);
  scope(() =>
    noGrad(() => {
      for (const [target, value] of pairs) {
        if (assign) target.setData(value.detach());
        else target.copy_(value);
      }
    }),
  );
  return { missing, unexpected, mismatched };
}

function entriesOf(state: Iterable<readonly [string, Tensor]>): Iterable<readonly [string, Tensor]> {
  if (typeof state === 'object' && state !== null && Symbol.iterator in state) return state;
  throw new ArgumentError(
    'A state must be a Map of tensors by name, as stateDict(), loadSafetensors and loadPytorch give it, or pairs of name and tensor.',
  );
}

function shapeProblem(target: Tensor, value: Tensor): string | undefined {
  const [wanted, given] = [target.shape, value.shape];
  if (wanted.length === given.length && wanted.every((size, index) => size === given[index])) return undefined;
  return `the module has shape [${wanted.join(', ')}], the state has [${given.join(', ')}]`;
}

function dtypeProblem(target: Tensor, value: Tensor): string | undefined {
  if (target.dtype === value.dtype || (isFloating(target) && isFloating(value))) return undefined;
  return `the module has dtype ${target.dtype}, the state has ${value.dtype}`;
}

const isFloating = ({ dtype }: Tensor): boolean => canHaveGradient(dtype) && !dtype.includes('complex');

function refusal(problems: readonly string[], prefix: string): CheckpointError {
  const named = problems.slice(0, mostNamed).map((problem) => `  ${problem}`);
  if (problems.length > mostNamed) named.push(`  and ${problems.length - mostNamed} more`);
  const under = prefix === '' ? '' : ` under "${prefix}"`;
  return new CheckpointError(`The state${under} does not fit the module; nothing was loaded.\n${named.join('\n')}`);
}
