/** What a training step and an evaluation of a decoder hold at their peak, from sizes alone. */
import { stepMemory, type Held, type Pass, type StepMemory } from '../../memory';
import type { ModelConfig } from '../config';
import { countParameters } from '../parameters';
import { LayersReplay } from './layer';
import { Sizes, wide, type BatchSize } from './sizes';

export type { BatchSize } from './sizes';

/** Bytes. */
export interface ModelMemory extends StepMemory {
  /** Attention probabilities that a pass keeps for later uses, in training and in evaluation; 0 where the budget is too small. */
  probabilities: { training: number; evaluation: number };
}

/** @param accumulation micro-batches to a step */
export function modelMemory(config: ModelConfig, batch: BatchSize, accumulation = 1): ModelMemory {
  const keptBy = (training: boolean) => {
    const sizes = new Sizes(config, batch, training);
    return sizes.keptLayers * sizes.probabilities;
  };
  return {
    ...stepMemory({
      weights: wide * countParameters(config),
      accumulation,
      run: (pass) => run(pass, new Sizes(config, batch, pass.training)),
    }),
    probabilities: { training: keptBy(true), evaluation: keptBy(false) },
  };
}

/** The loss of a micro-batch, or its evaluation. */
function run(pass: Pass, sizes: Sizes): void {
  const { config } = sizes;
  const checkpointing = config.activationCheckpointing && pass.training;
  const layers = new LayersReplay(pass, sizes, checkpointing);
  const folded = Array.from({ length: config.numHiddenLayers }, (_, layer) => fold(pass, sizes, layers, layer));
  let stream = pass.hold(sizes.stream);
  pass.later(() => {
    const gradient = pass.hold(sizes.stream);
    pass.gradient('embedding', wide * config.vocabSize * config.hiddenSize);
    pass.release(gradient);
  });
  for (let layer = 0; layer < config.numHiddenLayers; layer++) {
    const input = stream;
    const output = checkpointing
      ? pass.checkpointed(
          () => layers.forward(layer),
          (again) => pass.release(again),
        )
      : layers.forward(layer);
    stream = output;
    if (checkpointing) pass.later(() => pass.release(input));
    else pass.release(input);
  }
  pass.for('loss', () => loss(pass, sizes, stream));
  pass.releaseUnlessRecorded(...folded.flat());
}

/** Weights as one pass uses them: in the type of its products, with the norms' gains. */
function fold(pass: Pass, sizes: Sizes, layers: LayersReplay, layer: number): Held[] {
  const { element } = sizes;
  const copies: Held[] = [];
  const joined: Held[] = [];
  for (const name of ['qk', 'v', 'gateUp', 'o', 'down'] as const) {
    const size = layers.folded(name);
    const isScaled = name !== 'o' && name !== 'down';
    if (!isScaled && element === wide) continue;
    const whole = name === 'qk' || name === 'gateUp' ? pass.hold(wide * size) : undefined;
    const product = isScaled ? pass.hold(wide * size) : undefined;
    if (element !== wide) {
      copies.push(pass.hold(element * size));
      pass.release(product);
    } else if (product) copies.push(product);
    if (whole === undefined) continue;
    pass.releaseUnlessRecorded(whole);
    joined.push(whole);
  }
  pass.later(() => {
    pass.release(...copies);
    for (const name of ['gateUp', 'v', 'qk', 'o', 'down'] as const) {
      const size = layers.folded(name);
      const waiting = layers.takeWaiting(layer, name);
      const isScaled = name !== 'o' && name !== 'down';
      const converted = element === wide ? undefined : pass.hold(wide * size, 'gradients');
      if (converted) pass.release(waiting);
      if (isScaled) {
        const scaled = pass.hold(wide * size, 'gradients');
        pass.passing(wide * size);
        pass.release(scaled);
      }
      pass.release(waiting, converted);
      pass.gradient(`${layer}.${name}`, wide * size);
      if (name === 'gateUp' || name === 'qk') pass.release(joined.pop());
    }
  });
  return copies;
}

/** The head and the loss, rows in parts, so that not all logits are there at once. */
function loss(pass: Pass, sizes: Sizes, hidden: Held): void {
  const { config, batch, element } = sizes;
  const { hiddenSize: d, vocabSize } = config;
  const rows = batch.batch * (batch.time - 1);
  const predicting = pass.hold(wide * rows * d);
  const unit = pass.hold(wide * rows * d);
  const scaled = pass.hold(wide * rows * d);
  pass.releaseUnlessRecorded(unit);
  const normed = element === wide ? scaled : pass.hold(element * rows * d);
  if (normed !== scaled) pass.release(scaled);

  const head = vocabSize * d;
  const weight = element === wide ? undefined : pass.hold(element * head);
  const gradients = pass.recording ? [pass.hold(element * rows * d), pass.hold(wide * head, 'gradients')] : [];
  const part = Math.min(rows, Math.max(256, Math.floor((batch.device === 'cpu' ? 2 ** 20 : 2 ** 27) / vocabSize)));
  const logits = pass.hold(wide * part * vocabSize);
  pass.passing(wide * part * vocabSize);
  if (element !== wide) {
    pass.passing(element * part * vocabSize);
    if (pass.recording) pass.passing(element * (part * vocabSize + head));
  }
  pass.release(logits, weight, hidden, predicting, normed);
  pass.later(() => {
    const scaledGradient = pass.hold(element * rows * d);
    const isTied = config.tieWordEmbeddings;
    pass.gradient(isTied ? 'embedding' : 'head', wide * head);
    pass.release(...gradients);
    const wideGradient = pass.hold(wide * rows * d);
    pass.release(scaledGradient);
    pass.passing(2 * wide * rows * d);
    pass.release(unit, wideGradient);
    pass.passing(wide * rows * d + sizes.stream);
  });
}
