/** Attention and the layers of encoders and decoders, replayed. */
import type { ModelConfig } from '../config';
import type { BlockPlan } from '../plan';
import { wide, type Operators, type Rows } from './operators';
import { transformation } from './unit';

/** Sequences of one length. */
export interface Sequences {
  batch: number;
  time: number;
}

interface Projected {
  query: Rows;
  /** Keys and values side by side. */
  memory: Rows;
}

const rowsIn = ({ batch, time }: Sequences) => batch * time;

/** Attention of `from` to `to`; takes what is projected. */
function attend(
  operators: Operators,
  block: BlockPlan,
  name: string,
  { query, memory }: Projected,
  [from, to]: [Sequences, Sequences],
): Rows {
  const { graph, config, element } = operators;
  const proj = query.features;
  const heads = block.type === 'delight' ? 1 : block.heads;
  const scores = from.batch * heads * from.time * to.time;
  const outBytes = element * rowsIn(from) * proj;
  const isDropping = operators.isTraining && config.attentionDropout > 0;
  let out: Rows;
  if (heads > 1 && !isDropping) {
    const value = graph.run([query.value, memory.value], outBytes, {
      saves: [query.value, memory.value],
      savesOutput: true,
      beside: wide * from.batch * heads * from.time,
    });
    out = { value, rows: rowsIn(from), features: proj, element };
    operators.drop(query, memory);
  } else {
    const raw = graph.run([query.value, memory.value], element * scores, {
      saves: [query.value, memory.value],
      beside: heads > 1 ? element * (rowsIn(from) + rowsIn(to)) * proj : 0,
    });
    operators.drop(query);
    const bytes = wide * scores;
    let weights = graph.run([raw], bytes, { savesOutput: true, forward: heads > 1 ? bytes + scores : 0 });
    graph.drop(raw);
    if (element !== wide) {
      const narrow = graph.run([weights], element * scores);
      graph.drop(weights);
      weights = narrow;
    }
    const rows: Rows = { value: weights, rows: scores, features: 1, element };
    const dropped = operators.dropout(rows, config.attentionDropout);
    const value = graph.run([dropped.value, memory.value], outBytes, { saves: [dropped.value, memory.value] });
    operators.drop(dropped, memory);
    out = { value, rows: rowsIn(from), features: proj, element };
  }
  if (heads > 1) out = operators.scaled(out); // heads side by side again
  const projected = operators.linear(out, `${name}.out`, block.hiddenSize);
  operators.drop(out);
  return projected;
}

function keysAndValues(operators: Operators, block: BlockPlan, name: string, x: Rows, proj: number): Rows {
  if (block.type === 'delight') return operators.linear(x, `${name}.kv`, 2 * proj);
  const keys = operators.linear(x, `${name}.k`, proj);
  const values = operators.linear(x, `${name}.v`, proj);
  const value = operators.graph.run([keys.value, values.value], 2 * keys.value.bytes);
  operators.drop(keys, values);
  return { ...keys, value, features: 2 * proj };
}

function selfAttention(operators: Operators, block: BlockPlan, name: string, x: Rows, sequences: Sequences): Rows {
  const both: [Sequences, Sequences] = [sequences, sequences];
  if (block.type === 'transformer') {
    const query = operators.linear(x, `${name}.q`, x.features);
    return attend(
      operators,
      block,
      name,
      { query, memory: keysAndValues(operators, block, name, x, x.features) },
      both,
    );
  }
  const unit = transformation(operators, block.transformation, `${name}.unit`, x);
  const proj = unit.features;
  const all = operators.linear(unit, `${name}.kqv`, 3 * proj);
  operators.drop(unit);
  const part = (features: number): Rows => ({
    ...all,
    value: operators.graph.part(all.value, (all.value.bytes / 3) * (features / proj)),
    features,
  });
  const projected = { query: part(proj), memory: part(2 * proj) };
  operators.drop(all);
  return attend(operators, block, name, projected, both);
}

/** res + branch(x), with the norm before or after; takes `x`. */
function residual(operators: Operators, name: string, x: Rows, branch: (x: Rows) => Rows): Rows {
  const { normalizeBefore } = operators.config;
  if (normalizeBefore) {
    const normed = operators.norm(x, name);
    const out = branch(normed);
    operators.drop(normed);
    const sum = operators.add(x, out);
    operators.drop(x);
    return sum;
  }
  const sum = operators.add(x, branch(x));
  operators.drop(x);
  const normed = operators.norm(sum, name);
  operators.drop(sum);
  return normed;
}

/** One layer; takes `x`. */
export function layer(
  operators: Operators,
  block: BlockPlan,
  name: string,
  x: Rows,
  sequences: Sequences,
  memory: { rows: Rows; sequences: Sequences } | null,
): Rows {
  const { dropout, activationDropout } = operators.config;
  const { ffnDropout = dropout } = operators.config as ModelConfig & { ffnDropout?: number };
  let y = residual(operators, `${name}.selfNorm`, x, (input) =>
    operators.dropout(selfAttention(operators, block, `${name}.self`, input, sequences), dropout),
  );
  if (memory) {
    const proj = block.type === 'delight' ? block.hiddenSize / 2 : block.hiddenSize;
    y = residual(operators, `${name}.crossNorm`, y, (input) => {
      const query = operators.linear(input, `${name}.cross.q`, proj);
      const seen = keysAndValues(operators, block, `${name}.cross`, memory.rows, proj);
      const projected = { query, memory: seen };
      return operators.dropout(
        attend(operators, block, `${name}.cross`, projected, [sequences, memory.sequences]),
        dropout,
      );
    });
  }
  return residual(operators, `${name}.finalNorm`, y, (input) => {
    const inner = operators.dropout(
      operators.activation(operators.linear(input, `${name}.fc1`, block.ffnSize)),
      activationDropout,
    );
    const out = operators.linear(inner, `${name}.fc2`, block.hiddenSize);
    operators.drop(inner);
    return operators.dropout(out, ffnDropout);
  });
}
