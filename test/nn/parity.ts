/** Runs the cases of test/fixtures/nn as Python ran them. */
import fs from 'node:fs';
import path from 'node:path';

import * as nn from '../../lib/nn';
import { loadSafetensors, torch, Tensor, type Dtype } from '../../lib/tensor';

/** An input: a shape, or what make.py calls its kind. */
export type InputSpec = number[] | null | ({ kind: string } & Record<string, unknown>);

export interface LayerCase {
  layer: string;
  args: unknown[];
  options: Record<string, unknown>;
  inputs: InputSpec[];
  keywords?: Record<string, InputSpec>;
  inner?: Record<string, unknown>;
  innerArgs?: unknown[];
  norm?: boolean;
  backward?: boolean;
  seed: number;
  dtype: Dtype;
}

const folder = path.join(__dirname, '../fixtures/nn');
const text = JSON.parse(fs.readFileSync(path.join(folder, 'layers.json'), 'utf8')) as {
  cases: LayerCase[];
  same: Record<string, string>;
};
export const { cases } = text;

/** Python's tensors under names that begin with `prefix`, without it. */
export async function loadGolden(): Promise<(prefix: string) => Map<string, Tensor>> {
  const tensors = await loadSafetensors(path.join(folder, 'layers.safetensors'));
  for (const tensor of tensors.values()) tensor.keep();
  for (const [name, other] of Object.entries(text.same)) tensors.set(name, tensors.get(other)!);
  const byCase = new Map<string, [string, Tensor][]>();
  for (const [name, tensor] of tensors) {
    const prefix = name.split('/', 2).join('/') + '/';
    byCase.set(prefix, [...(byCase.get(prefix) ?? []), [name.slice(prefix.length), tensor]]);
  }
  return (prefix) => new Map(byCase.get(prefix) ?? []);
}

function values(shape: readonly number[], dtype: Dtype, start: number): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return torch.arange(0, count, 1, { dtype: 'float64' }).mul(0.7).add(start).sin().reshape(shape).to(dtype);
}

interface Made {
  value: unknown;
  /** What gets a gradient, by the name it has in the file. */
  leaves: [string, Tensor][];
}

const leaf = (tensor: Tensor, index: number | string): Made => {
  const detached = tensor.detach().requiresGrad_();
  return { value: detached, leaves: [[String(index), detached]] };
};
const plain = (value: unknown): Made => ({ value, leaves: [] });

function make(spec: InputSpec, dtype: Dtype, index: number): Made {
  if (spec === null) return plain(null);
  if (Array.isArray(spec)) return leaf(values(spec, dtype, index), index);
  const shape = spec.shape as number[];
  switch (spec.kind) {
    case 'ids': {
      const count = shape.reduce((product, size) => product * size, 1);
      const ids = torch.arange(0, count, 1, { dtype: 'int64' }).mul((spec.step as number) ?? 1);
      return plain(ids.remainder(spec.count as number).reshape(shape));
    }
    case 'tensor':
      return plain(
        torch.tensor(spec.values as number[], { dtype: spec.dtype === 'float' ? dtype : (spec.dtype as Dtype) }),
      );
    case 'signs':
      return plain(values(shape, dtype, index + 3).sign());
    case 'positive':
      return leaf(values(shape, dtype, index).abs().add(0.1), index);
    case 'unit':
      return leaf(values(shape, dtype, index).mul(0.4).add(0.5), index);
    case 'logProbs':
      return leaf(values(shape, dtype, index).logSoftmax(-1), index);
    case 'pair': {
      const parts = (spec.items as InputSpec[]).map((each, at) => make(each, dtype, index + 5 + at));
      const leaves = parts.map(({ leaves: [each] }, at): [string, Tensor] => [`${index}.${at}`, each![1]]);
      return { value: parts.map(({ value }) => value), leaves };
    }
    case 'packed': {
      const { value, leaves } = make(spec.input as number[], dtype, index);
      const options = { batchFirst: spec.batchFirst === true, enforceSorted: false };
      return { value: nn.utils.rnn.packPaddedSequence(value as Tensor, spec.lengths as number[], options), leaves };
    }
    case 'literal':
      return plain(spec.value);
    default:
      throw new Error(spec.kind);
  }
}

type Make = new (...values: unknown[]) => nn.Module & { forward(...inputs: unknown[]): unknown };
const layers = nn as unknown as Record<string, Make>;

function option(value: unknown, dtype: Dtype): unknown {
  if (typeof value === 'object' && value !== null && 'kind' in value) return make(value as InputSpec, dtype, 0).value;
  return value;
}

export function construct(each: LayerCase): InstanceType<Make> {
  const Layer = layers[each.layer]!;
  if (each.inner !== undefined) {
    const Inner = layers[`${each.layer}Layer`]!;
    const inner = new Inner(...each.innerArgs!, each.inner);
    const norm = each.norm ? new nn.LayerNorm(each.innerArgs![0] as number, { dtype: each.dtype }) : null;
    const layer = new Layer(inner, ...each.args, { norm });
    inner.dispose();
    return layer;
  }
  const options = Object.fromEntries(
    Object.entries(each.options).map(([name, value]) => [name, option(value, each.dtype)]),
  );
  return Object.keys(options).length === 0 ? new Layer(...each.args) : new Layer(...each.args, options);
}

function flatTensors(value: unknown): Tensor[] {
  if (value instanceof Tensor) return [value as Tensor];
  if (Array.isArray(value)) return value.flatMap(flatTensors);
  if (typeof value === 'object' && value !== null) {
    return 'batchSizes' in value
      ? flatTensors((value as unknown as { data: Tensor }).data)
      : Object.values(value).flatMap(flatTensors);
  }
  return [];
}

/** Outputs, and gradients of inputs and parameters, under the names that make.py gives them. */
export function run(layer: InstanceType<Make>, each: LayerCase): Map<string, Tensor> {
  torch.manualSeed(each.seed + 1);
  const found = new Map<string, Tensor>();
  const inputs = each.inputs.map((spec, index) => make(spec, each.dtype, index));
  const given = inputs.map(({ value }) => value);
  if (each.options.inplace === true) given[0] = (given[0] as Tensor).clone();
  if (each.keywords !== undefined) {
    const keywords = Object.entries(each.keywords).map(([name, spec]) => [name, make(spec, each.dtype, 9).value]);
    given.push(Object.fromEntries(keywords));
  }
  const outputs = flatTensors(layer.forward(...given));
  for (const [index, output] of outputs.entries()) found.set(`output/${index}`, output.detach().clone());
  layer.zeroGrad();
  const differentiable = outputs.filter((output) => output.requiresGrad);
  if (differentiable.length === 0 || each.backward === false) return found;
  const total = differentiable
    .map((output): Tensor => {
      const factors = torch.arange(0, output.numel, 1, { dtype: 'float64' }).cos().reshape(output.shape);
      return output.mul(factors.to(output.dtype)).sum();
    })
    .reduce((sum, part) => sum.add(part));
  total.backward();
  for (const [index, tensor] of inputs.flatMap(({ leaves }) => leaves)) {
    if (tensor.grad !== null) found.set(`grad/${index}`, tensor.grad);
  }
  for (const [name, parameter] of layer.namedParameters()) {
    const { grad } = parameter;
    if (grad !== null) found.set(`parameter/${name}`, grad.isSparse ? grad.toDense() : grad);
  }
  return found;
}
