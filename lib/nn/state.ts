/** State dicts: a module's values by name, out and in. */
import { CheckpointError } from '../errors';
import { noGrad, scope, type Tensor } from '../tensor';

/** Tensors by their full names, in the module's order. */
export type StateDict = Map<string, Tensor>;

export interface LoadResult {
  /** Names of the module that the state did not have. */
  missing: string[];
  /** Names of the state that the module does not have. */
  unexpected: string[];
}

/** Problems named in one message; the rest are counted. */
const mostNamed = 20;

/** Copies `state` into `targets`, all or nothing. @throws CheckpointError */
export function loadState(
  targets: ReadonlyMap<string, Tensor>,
  state: Iterable<readonly [string, Tensor]>,
  strict: boolean,
): LoadResult {
  const values = new Map(state);
  const missing = [...targets.keys()].filter((name) => !values.has(name));
  const unexpected = [...values.keys()].filter((name) => !targets.has(name));
  const problems = strict
    ? [...missing.map((name) => `missing: ${name}`), ...unexpected.map((name) => `unexpected: ${name}`)]
    : [];
  const pairs: [Tensor, Tensor][] = [];
  for (const [name, target] of targets) {
    const value = values.get(name);
    if (value === undefined) continue;
    const problem = mismatch(target, value);
    if (problem === undefined) pairs.push([target, value]);
    else problems.push(`${name}: ${problem}`);
  }
  if (problems.length > 0) throw refusal(problems);
  scope(() =>
    noGrad(() => {
      for (const [target, value] of pairs) target.copy_(value);
    }),
  );
  return { missing, unexpected };
}

function mismatch(target: Tensor, value: Tensor): string | undefined {
  const [wanted, given] = [target.shape, value.shape];
  if (wanted.length !== given.length || wanted.some((size, index) => size !== given[index])) {
    return `the module has shape [${wanted.join(', ')}], the state has [${given.join(', ')}]`;
  }
  const bothFloating = target.dtype.includes('float') && value.dtype.includes('float');
  if (target.dtype !== value.dtype && !bothFloating) {
    return `the module has dtype ${target.dtype}, the state has ${value.dtype}`;
  }
  return undefined;
}

function refusal(problems: readonly string[]): CheckpointError {
  const named = problems.slice(0, mostNamed).map((problem) => `  ${problem}`);
  if (problems.length > mostNamed) named.push(`  and ${problems.length - mostNamed} more`);
  return new CheckpointError(`The state does not fit the module; nothing was loaded.\n${named.join('\n')}`);
}
