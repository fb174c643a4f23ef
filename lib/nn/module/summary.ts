/** The table of a module's layers. */
import { noGrad, scope, Tensor, type Dtype } from '../../tensor';
import { registerHook, type Hooked } from './hooks';
import { isBuffer, modulesOf, tensorsOf, type Tree } from './tree';

/** A module as its summary sees it. */
export interface Summarized extends Tree<Summarized>, Hooked {
  readonly training: boolean;
  train(training?: boolean): unknown;
  modules(): Iterable<Summarized>;
}

const heading = ['Layer', 'Type', 'Output', 'Parameters', 'Trainable'];

export function summarize(module: Summarized, inputs: readonly unknown[]): string {
  const outputs = inputs.length === 0 ? undefined : dryRun(module, inputs);
  const seen = new Set<Tensor>();
  const rows = [heading];
  const total = { parameters: 0, trainable: 0, bytes: 0 };
  for (const [name, each] of modulesOf(module)) {
    let [own, trainable] = [0, 0];
    for (const [, tensor] of tensorsOf(each, { recurse: false })) {
      if (seen.has(tensor)) continue;
      seen.add(tensor);
      total.bytes += tensor.numel * bytesOf(tensor.dtype);
      if (isBuffer(tensor)) continue;
      own += tensor.numel;
      if (tensor.requiresGrad) trainable += tensor.numel;
    }
    total.parameters += own;
    total.trainable += trainable;
    const depth = name === '' ? 0 : name.split('.').length;
    rows.push([
      '  '.repeat(depth) + (name === '' ? '(model)' : name.slice(name.lastIndexOf('.') + 1)),
      each.constructor.name,
      outputs === undefined ? '' : (outputs.get(each) ?? '-'),
      own === 0 ? '-' : grouped(own),
      own === 0 ? '-' : trainable === own ? 'yes' : trainable === 0 ? 'no' : grouped(trainable),
    ]);
  }
  const facts = [
    `Parameters: ${grouped(total.parameters)}, of which ${grouped(total.trainable)} are trained`,
    `Memory of parameters and buffers: ${memory(total.bytes)}`,
  ];
  return [...table(rows), '', ...facts].join('\n');
}

/** What each module gave when the model ran on `inputs`. Modes are put back. */
function dryRun(module: Summarized, inputs: readonly unknown[]): Map<Summarized, string> {
  const outputs = new Map<Summarized, string>();
  const modes = Array.from(module.modules(), (each) => [each, each.training] as const);
  const handles = modes.map(([each]) =>
    registerHook(each, 'forward', (_module: never, _inputs: never, output: unknown) => {
      outputs.set(each, shapeOf(output));
    }),
  );
  try {
    module.train(false);
    scope(() => noGrad(() => void module.forward(...(inputs as never[]))));
  } finally {
    for (const handle of handles) handle.remove();
    for (const [each, training] of modes) (each as { training: boolean }).training = training;
  }
  return outputs;
}

function shapeOf(output: unknown): string {
  if (output instanceof Tensor) return `[${output.shape.join(', ')}]`;
  if (Array.isArray(output)) return `(${output.map(shapeOf).join(', ')})`;
  return output === null || output === undefined
    ? '-'
    : typeof output === 'object'
      ? output.constructor.name
      : typeof output;
}

/** Columns of even width, numbers to the right; a column that is empty is left out. */
function table(rows: readonly (readonly string[])[]): string[] {
  const columns = heading.map((_, index) => index).filter((index) => rows.slice(1).some((row) => row[index] !== ''));
  const widths = columns.map((index) => Math.max(...rows.map((row) => row[index]!.length)));
  const line = (row: readonly string[]) =>
    columns
      .map((index, at) => (index === 3 ? row[index]!.padStart(widths[at]!) : row[index]!.padEnd(widths[at]!)))
      .join('  ')
      .trimEnd();
  const [first, ...rest] = rows.map(line);
  return [first!, '-'.repeat(widths.reduce((sum, width) => sum + width + 2, -2)), ...rest];
}

/** Of one element: the name of every dtype but bool ends with its bits. */
const bytesOf = (dtype: Dtype): number => Number(/\d+$/.exec(dtype)?.[0] ?? 8) / 8;

const grouped = (count: number): string => count.toLocaleString('en-US');

function memory(bytes: number): string {
  if (bytes < 2 ** 20) return `${(bytes / 2 ** 10).toFixed(1)} KiB`;
  return bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}
