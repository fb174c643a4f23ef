/** What a training step and an evaluation of a DeLighT or Transformer model hold at their peak, from sizes alone. */
import { stepMemory, type StepMemory } from '../../memory';
import { isTranslation, type ModelConfig } from '../config';
import { countParameters } from '../cost';
import { decoderPlan, embeddingPlan, encoderPlan, tableWidth } from '../plan';
import { layer, type Sequences } from './layer';
import { Operators, wide, type Computation, type Rows } from './operators';
import { loss } from './output';
import { transformation } from './unit';

/** A batch of texts, or of sentence pairs: tokens of the longest, padding counted. */
export interface BatchSize extends Computation {
  batch: number;
  /** Of a sentence to be translated; a language model has only targets. */
  source?: number | undefined;
  target: number;
}

/** @param accumulation micro-batches to a step */
export function modelMemory(config: ModelConfig, batch: BatchSize, accumulation = 1): StepMemory {
  return stepMemory({
    weights: wide * countParameters(config),
    accumulation,
    run(pass) {
      const operators = new Operators(pass, config, batch);
      run(operators, batch);
      operators.end();
    },
  });
}

function run(operators: Operators, { batch, source, target }: BatchSize): void {
  const { config } = operators;
  if (!isTranslation(config)) {
    loss(operators, stack(operators, 'decoder', { batch, time: target - 1 }, null));
    return;
  }
  const sequences = { batch, time: source ?? target };
  const memory = stack(operators, 'encoder', sequences, null);
  const features = stack(operators, 'decoder', { batch, time: target }, { rows: memory, sequences });
  operators.drop(memory);
  loss(operators, features);
}

/** An encoder or decoder, up to the features that the output layer sees. */
function stack(
  operators: Operators,
  side: 'encoder' | 'decoder',
  sequences: Sequences,
  memory: { rows: Rows; sequences: Sequences } | null,
): Rows {
  const { graph, config } = operators;
  const { activationCheckpointing, hiddenSize } = config;
  const checkpointed = (inputs: (Rows | undefined)[], segment: () => Rows): Rows => {
    if (!activationCheckpointing) return segment();
    let made: Rows | undefined;
    const values = inputs.flatMap((rows) => (rows ? [rows.value] : []));
    const value = graph.checkpointed(values, () => (made = segment()).value);
    return { ...made!, value };
  };
  let x = placed(
    operators,
    checkpointed([], () => embedding(operators, side, sequences)),
  );
  const plans = side === 'encoder' && isTranslation(config) ? encoderPlan(config) : decoderPlan(config);
  plans.forEach((block, index) => {
    const input = x;
    x = checkpointed([input, memory?.rows], () => {
      if (activationCheckpointing) input.value.holders++;
      return layer(operators, block, `${side}.${index}`, input, sequences, memory);
    });
    if (activationCheckpointing) operators.drop(input);
  });
  if (config.normalizeBefore && (side === 'encoder' || config.finalNorm)) {
    const normed = operators.norm(x, `${side}.norm`);
    operators.drop(x);
    x = normed;
  }
  const width = tableWidth(config);
  if (side === 'encoder' || hiddenSize === width) return x;
  const projected = operators.linear(x, 'projection', width, false);
  operators.drop(x);
  return projected;
}

/** Vectors of tokens, through the transformation above the table. */
function embedding(operators: Operators, side: string, { batch, time }: Sequences): Rows {
  const { config, graph } = operators;
  const features = tableWidth(config);
  const rows = batch * time;
  let x = isTranslation(config) || !config.adaptiveInput ? looked(operators, side, rows) : bands(operators, rows);
  if (config.scaleEmbedding && x.features === features) x = operators.scaled(x);
  const plan = embeddingPlan(config);
  if (config.type !== 'delight' || plan === null) return x;
  x = operators.recurrentDropout(x, config.embeddingDropout);
  const out = transformation(operators, plan, `${side}.embedding`, x);
  graph.drop(x.value);
  return out;
}

function looked({ graph, config }: Operators, side: string, rows: number): Rows {
  const features = tableWidth(config);
  const isShared = isTranslation(config) && config.shareEmbeddings;
  const words = isTranslation(config)
    ? side === 'encoder'
      ? config.sourceVocabSize
      : config.targetVocabSize
    : config.vocabSize;
  const parameters = { [`${isShared ? 'encoder' : side}.table`]: wide * words * features };
  return { value: graph.run([], wide * rows * features, { parameters }), rows, features, element: wide };
}

/** The bands of an adaptive input, each laid into the rows of all. */
function bands(operators: Operators, rows: number): Rows {
  const { graph, config, element } = operators;
  if (isTranslation(config) || !config.adaptiveInput) throw new TypeError('there is no adaptive input');
  const { cutoffs, factor } = config.adaptiveInput;
  const features = tableWidth(config);
  const ends = [...cutoffs, config.vocabSize];
  let all: Rows | undefined;
  ends.forEach((end, band) => {
    const words = end - (ends[band - 1] ?? 0);
    const own = Math.ceil((rows * words) / config.vocabSize);
    const width = Math.floor(features / factor ** band);
    const looked = graph.run([], wide * own * width, { parameters: { [`table.${band}`]: wide * words * width } });
    const scaled = operators.scaled({ value: looked, rows: own, features: width, element: wide });
    const vectors = operators.linear(scaled, `table.${band}.projection`, features, false);
    operators.drop(scaled);
    const before = all ? [all.value] : [];
    const value = graph.run([...before, vectors.value], element * rows * features);
    operators.drop(vectors, all);
    all = { value, rows, features, element };
  });
  return all!;
}

/** Positions added, and dropout. Takes `x`. */
function placed(operators: Operators, x: Rows): Rows {
  const { config } = operators;
  const { positions, dropout } = config;
  const isDelight = config.type === 'delight';
  if (positions === 'none') return operators.dropout(x, dropout);
  operators.pass.passing(x.value.bytes);
  const sum = operators.scaled(x);
  return isDelight ? operators.recurrentDropout(sum, config.positionDropout) : operators.dropout(sum, dropout);
}
