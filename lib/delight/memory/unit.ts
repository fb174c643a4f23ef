/** The DeLighT transformation, replayed: fused on the CPU in float32, else operator by operator. */
import type { Value } from '../../memory';
import type { TransformationPlan } from '../transformation';
import { wide, type Operators, type Rows } from './operators';

/** One transform of the row. */
interface Stage {
  name: string;
  in: number;
  out: number;
  groups: number;
}

function stagesOf({ inFeatures, projFeatures, outFeatures, layers }: TransformationPlan, name: string): Stage[] {
  const last = layers.at(-1)!.outFeatures + projFeatures;
  return [
    { name: `${name}.input`, in: inFeatures, out: projFeatures, groups: 1 },
    ...layers.map((layer, index) => ({
      name: `${name}.${index}`,
      in: layer.inFeatures,
      out: layer.outFeatures,
      groups: layer.groups,
    })),
    { name: `${name}.output`, in: last, out: outFeatures, groups: 1 },
  ];
}

/** x [rows, in] to [rows, out]. `x` stays the caller's. */
export function transformation(operators: Operators, plan: TransformationPlan, name: string, x: Rows): Rows {
  const { precision, device } = operators.computation;
  const { norm, activation } = operators.config as { norm?: string; activation: string };
  const isFused = device === 'cpu' && precision === 'float32' && norm !== 'batch' && activation !== 'prelu';
  const stages = stagesOf(plan, name);
  return isFused ? fused(operators, stages, x) : plain(operators, stages, x);
}

const weightBytes = ({ in: inputs, out, groups }: Stage) => (wide * inputs * out) / groups;

/** One node of the graph for the whole row. */
function fused(operators: Operators, stages: readonly Stage[], x: Rows): Rows {
  const { pass, graph } = operators;
  const { rows } = x;
  const of = (features: number) => wide * rows * features;
  const isDropping = operators.isTraining && (operators.config as { unitDropout?: number }).unitDropout !== 0;
  const proj = stages[0]!.out;
  /** What each stage reads, beside its products. */
  const read = (index: number) => of(index === 1 ? proj : stages[index]!.in);
  const keptBy = (stage: Stage) => of(stage.out) * (isDropping ? 2 : 1) + 2 * of(stage.groups);
  const parameters = Object.fromEntries(
    stages.flatMap((stage) => [
      [`${stage.name}.weight`, weightBytes(stage)],
      [`${stage.name}.rest`, 3 * wide * stage.out],
    ]),
  );
  const last = stages.at(-1)!;
  const largest = (measure: (stage: Stage, index: number) => number) => Math.max(...stages.map(measure));
  const inner = stages.reduce((sum, stage, index) => sum + keptBy(stage) + (index === 0 ? 0 : read(index)), 0);
  const value = graph.run([x.value], of(last.out), {
    saves: [x.value],
    beside: pass.recording ? inner : 0,
    // Without a graph: what is read, the products and what the next stage reads; the first stage's output stays.
    forward: pass.recording
      ? 0
      : of(proj) + largest((stage, index) => (index === 0 ? 0 : read(index)) + keptBy(stage) + of(stage.out + proj)),
    // The gradients of what a stage gave, of its products and of what it read; that of the first stage's output.
    backward: of(proj) + largest((stage) => of(2 * stage.out + proj) + of(stage.in)),
    parameters,
  });
  return { value, rows, features: last.out, element: wide };
}

/** A finish is a norm, an activation and dropout, each an operator. */
function plain(operators: Operators, stages: readonly Stage[], x: Rows): Rows {
  const { graph, config } = operators;
  const { unitDropout = 0 } = config as { unitDropout?: number };
  let first: Rows | undefined;
  let h: Rows | undefined;
  stages.forEach((stage, index) => {
    let input = h ?? x;
    if (index > 1) {
      const element = Math.max(first!.element, h!.element);
      const value = graph.run([first!.value, h!.value], element * h!.rows * stage.in);
      input = { ...h!, value, features: stage.in, element };
      operators.drop(h);
    }
    const products =
      stage.groups === 1 ? operators.linear(input, stage.name, stage.out) : grouped(operators, stage, input);
    if (index > 1) operators.drop(input);
    const normed = operators.norm(products, `${stage.name}.norm`);
    operators.drop(products);
    h = operators.dropout(operators.activation(normed), unitDropout);
    if (index > 0) return;
    first = h;
    h.value.holders++;
  });
  operators.drop(first);
  return h!;
}

/** Products of groups, the bias added (which is wide), groups side by side again and shuffled: a new tensor each time. */
function grouped(operators: Operators, stage: Stage, x: Rows): Rows {
  const { graph, config, element } = operators;
  const { rows } = x;
  const read: Value = x.element === element ? x.value : graph.run([x.value], element * rows * stage.in);
  let value = graph.run([read], element * rows * stage.out, {
    saves: [read],
    backward: element === wide ? 0 : (weightBytes(stage) * element) / wide,
    parameters: { [`${stage.name}.weight`]: weightBytes(stage) },
  });
  if (read !== x.value) graph.drop(read);
  const { shuffle } = config as { shuffle?: boolean };
  for (let copy = 0; copy < (shuffle ? 3 : 2); copy++) {
    const next = graph.run([value], wide * rows * stage.out);
    graph.drop(value);
    value = next;
  }
  return { value, rows, features: stage.out, element: wide };
}
