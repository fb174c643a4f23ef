/** A case of the Hugging Face fixtures: a model folder as `save_pretrained` wrote it, with logits, loss and a greedy continuation. */
import path from 'node:path';

import { z } from 'zod';

import { parseConfig } from '../../config';
import { accuracyTolerance, difference, tensorOf, worst, type Measurement, type ParityPlace } from '../../parity';
import { loadSafetensors, noGrad, scope, torch, type Tensor } from '../../tensor';
import { ResidualLlama } from '../model';

const caseSchema = z.looseObject({
  name: z.string().regex(/^[^/\\]+$/, 'must be a folder beside the index'),
  loss: z.number(),
  accuracy: z.number(),
  /** The first row's first five ids and what follows them greedily. */
  greedy_from_first5: z.array(z.int().nonnegative()).min(6).optional(),
  tolerance: z.looseObject({ logits_abs: z.number().nonnegative() }),
});
const promptLength = 5;

/** Runs one case in one dtype; float64 too is compared with what Hugging Face computed in float32. */
export async function runHuggingFaceCase(content: unknown, root: string, place: ParityPlace): Promise<Measurement[]> {
  const golden = parseConfig(content, caseSchema, 'case');
  const folder = path.join(root, golden.name);
  const limit = golden.tolerance.logits_abs;
  const { dtype, device } = place;
  return scope(async () => {
    const file = path.join(folder, 'expected.safetensors');
    const tensors = await loadSafetensors(file);
    const ids = tensorOf(tensors, 'input_ids', file).to({ device });
    const labels = tensorOf(tensors, 'labels', file).to({ device });
    using model = await ResidualLlama.load(folder, place);
    const logits = await difference(
      noGrad(() => model.forward(ids)),
      tensorOf(tensors, 'logits', file),
    );
    const { loss, correct, predicted } = await model.evaluate(ids, labels);
    const expected = golden.greedy_from_first5;
    return [
      ...worst(`${dtype} logits`, limit, [logits.absolute]),
      ...worst(`${dtype} loss`, limit, [Math.abs(loss - golden.loss)]),
      ...worst(`${dtype} accuracy`, accuracyTolerance, [Math.abs(correct / predicted - golden.accuracy)]),
      ...(expected === undefined
        ? []
        : worst(`${dtype} greedy ids that differ`, 0, [continueGreedily(model, ids, expected)])),
    ];
  });
}

/** How many ids of the expected continuation come out otherwise, each from a full forward pass over all before it. */
function continueGreedily(model: ResidualLlama, ids: Tensor, expected: number[]): number {
  const row = [...(ids.select(0, 0).dataSync() as BigInt64Array)].map(Number);
  const produced = row.slice(0, promptLength);
  while (produced.length < expected.length) {
    const next = scope(() =>
      noGrad(() => {
        const logits = model.forward(torch.tensor([produced], { dtype: 'int64', device: ids.device }));
        return logits
          .select(0, 0)
          .select(0, produced.length - 1)
          .argmax()
          .item();
      }),
    );
    produced.push(next);
  }
  return expected.filter((id, index) => id !== produced[index]).length;
}
