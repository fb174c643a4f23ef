/** The output layer and the loss, replayed: rows in parts, so that not all logits are there at once. */
import { isTranslation } from '../config';
import { wide, type Operators, type Rows } from './operators';

/** One product with the output's matrix, and the cross-entropy of its rows; `x` stays the caller's. */
function linearCrossEntropy(operators: Operators, x: Rows, name: string, words: number): void {
  const { pass, graph, computation } = operators;
  const { rows, features, element } = x;
  const weight = words * features;
  const isOnCpu = computation.device === 'cpu';
  const part = Math.min(rows, Math.max(64, Math.floor((isOnCpu ? 2 ** 20 : 2 ** 27) / words)));
  const logits = wide * part * words;
  // The gradient is made in the forward pass, part by part.
  const gradients = pass.training ? [pass.hold(element * rows * features), pass.hold(wide * weight, 'gradients')] : [];
  // The matrix, transposed; as autocast casts it; as the rows' type has it.
  const narrow = operators.element === wide ? 0 : operators.element;
  const copies = pass.hold((element + narrow + (element === wide ? 0 : element)) * weight);
  pass.passing(isOnCpu ? logits + narrow * part * words : 3 * logits);
  if (narrow > 0 && pass.training) pass.passing(logits + narrow * (part * words + weight));
  pass.release(copies);
  if (!pass.training) return;
  x.value.holders++;
  pass.later(() => {
    graph.give(x.value);
    pass.gradient(name, wide * weight);
    pass.release(...gradients);
    graph.drop(x.value);
  });
}

/** The parts of an adaptive softmax: its words and clusters, then each cluster, for the rows whose words lie there. */
function adaptiveSoftmax(
  operators: Operators,
  x: Rows,
  vocabSize: number,
  {
    cutoffs,
    factor,
    tieProjections,
    dropout,
  }: { cutoffs: number[]; factor: number; tieProjections: boolean; dropout: number },
): void {
  const { pass, graph } = operators;
  x.value.holders++;
  const input = operators.dropout(x, dropout);
  linearCrossEntropy(operators, input, 'table.0', cutoffs[0]! + cutoffs.length);
  const ends = [...cutoffs, vocabSize];
  for (let tail = 1; tail < ends.length; tail++) {
    const words = ends[tail]! - ends[tail - 1]!;
    // Which words the text has is not known: as if all were alike frequent.
    const rows = Math.ceil((x.rows * words) / vocabSize);
    const taken = graph.run([input.value], x.element * rows * x.features);
    const width = Math.floor(x.features / factor ** tail);
    const name = tieProjections ? `table.${tail}.projection` : `tail.${tail}.projection`;
    const narrow = operators.linear({ ...x, value: taken, rows }, name, width, false);
    graph.drop(taken);
    linearCrossEntropy(operators, operators.dropout(narrow, dropout), `table.${tail}`, words);
    operators.drop(narrow);
  }
  // An evaluation takes rows in parts of so many probabilities: once as they are computed, once side by side.
  if (!pass.training) pass.passing(2 * wide * Math.min(x.rows * vocabSize, 2 ** 22));
  operators.drop(input);
}

/** The loss of features `x`, which it takes. */
export function loss(operators: Operators, x: Rows): void {
  const { config, pass } = operators;
  pass.for('loss', () => {
    if (isTranslation(config)) {
      const name = config.tieWordEmbeddings ? (config.shareEmbeddings ? 'encoder.table' : 'decoder.table') : 'output';
      linearCrossEntropy(operators, x, name, config.targetVocabSize);
    } else if (config.adaptiveSoftmax) {
      adaptiveSoftmax(operators, x, config.vocabSize, config.adaptiveSoftmax);
    } else {
      linearCrossEntropy(operators, x, config.tieWordEmbeddings ? 'decoder.table' : 'output', config.vocabSize);
    }
    operators.drop(x);
  });
}
