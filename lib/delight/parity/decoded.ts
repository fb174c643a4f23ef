import { NativeDecoder } from '../../generation';
import { torch, type Tensor } from '../../tensor';
import type { NativeModule } from '../../nn';

/**
 * Feeds tokens `[batch, time]` one position at a time to a model's decoder with its caches.
 * @param inputs what the model reads first
 * @returns the natural logarithms of every next token's probability, `[batch, time, vocabSize]`
 */
export async function decodeForced(
  model: NativeModule,
  inputs: readonly Tensor[],
  tokens: Tensor,
  vocabSize: number,
): Promise<Tensor> {
  const [sentences, time] = tokens.shape as [number, number];
  const ids = Int32Array.from((await tokens.data()) as BigInt64Array, Number);
  const values = new Float32Array(sentences * time * vocabSize);
  const size = { sentences, width: 1, capacity: time, vocabSize };
  using decoder = await NativeDecoder.open(model, inputs, size, undefined);
  for (let position = 0; position < time; position++) {
    const found = await decoder.step({
      tokens: Int32Array.from({ length: sentences }, (_, row) => ids[row * time + position]!),
      order: null,
      candidates: vocabSize,
      banned: new Int32Array(),
      only: null,
    });
    found.ids.forEach((id, index) => {
      const row = Math.floor(index / vocabSize);
      values[(row * time + position) * vocabSize + id] = found.logProbabilities[index]!;
    });
  }
  return torch.tensor(values, { shape: [sentences, time, vocabSize] });
}
