/** Small models and data for the tests of guards. */
import { DelightTransformer, type TranslationModelOptions } from '../../../lib/delight';
import { nn, torch, type Tensor } from '../../../lib';
import { ResidualLlama } from '../../../lib/residual';
import type { TrainEvent } from '../../../lib/train';
import { smallTranslator } from '../pairs';
import { vocabSize } from '../tokens';

export function makeDecoder(): ResidualLlama {
  torch.manualSeed(7);
  const sizes = { vocabSize, hiddenSize: 16, intermediateSize: 32, numHiddenLayers: 2, numAttentionHeads: 2 };
  return ResidualLlama.create({ ...sizes, residual: 'baseline' });
}

export function makeTranslator(options: Partial<TranslationModelOptions> = {}): DelightTransformer {
  torch.manualSeed(7);
  return DelightTransformer.create({
    ...smallTranslator,
    dropout: 0,
    attentionDropout: 0,
    ...options,
  } as TranslationModelOptions);
}

/** Learns to add. */
export interface Sums {
  x: Tensor;
  y: Tensor;
}

export class Adder extends nn.Module {
  readonly inner = new nn.Linear(4, 8);
  readonly outer = new nn.Linear(8, 1);

  override forward(x: Tensor): Tensor {
    return this.outer.forward(this.inner.forward(x).tanh());
  }
}

export function makeAdder(): Adder {
  torch.manualSeed(3);
  return new Adder();
}

export function makeSums(sizes: readonly number[]): Sums[] {
  torch.manualSeed(5);
  return sizes.map((size) => {
    const x = torch.randn([size, 4]);
    return { x, y: x.sum({ dim: 1, keepdim: true }) };
  });
}

export const weightsOf = (net: nn.Module) => [...net.parameters()].map((parameter) => parameter.toArray());

/** The largest difference of two models' weights. */
export function gapOf(one: nn.Module, other: nn.Module): number {
  const others = [...other.parameters()];
  const gaps = [...one.parameters()].map((parameter, index) =>
    torch.scope(() => parameter.detach().sub(others[index]!.detach()).abs().max().item()),
  );
  return Math.max(...gaps);
}

export async function collect(events: AsyncIterable<TrainEvent>): Promise<TrainEvent[]> {
  const collected: TrainEvent[] = [];
  for await (const event of events) collected.push(event);
  return collected;
}

export const ofType = <T extends TrainEvent['type']>(events: TrainEvent[], type: T) =>
  events.filter((event): event is Extract<TrainEvent, { type: T }> => event.type === type);
