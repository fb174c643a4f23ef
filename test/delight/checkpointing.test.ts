/** Activation checkpointing: less memory, and the same numbers to the bit. */
import {
  DelightLanguageModel,
  DelightTransformer,
  type LanguageModelOptions,
  type TranslationModelOptions,
} from '../../lib/delight';
import type { NativeModule } from '../../lib/nn';
import { torch, type Tensor } from '../../lib/tensor';

const dropouts = { dropout: 0.1, attentionDropout: 0.1, activationDropout: 0.1 };
const delight = {
  type: 'delight',
  hiddenSize: 32,
  embeddingSize: 16,
  embedding: { maxGroups: 4 },
  decoder: { minDepth: 2, maxDepth: 3, maxGroups: 4 },
  ...dropouts,
  unitDropout: 0.1,
  ffnDropout: 0.1,
  embeddingDropout: 0.1,
  positionDropout: 0.1,
} as const;
const transformer = { type: 'transformer', hiddenSize: 16, decoder: { layers: 3, heads: 4 }, ...dropouts } as const;
const vocabularies = { sourceVocabSize: 23, targetVocabSize: 19 };
const encoder = { minDepth: 2, maxDepth: 4, maxGroups: 2 };

const ids = (rows: number[][]) => torch.tensor(rows, { dtype: 'int64' });
const translationInputs = () => [
  ids([[5, 6, 7, 2], [1, 9, 8, 2]]), // prettier-ignore
  ids([[2, 4, 5], [2, 6, 1]]), // prettier-ignore
  ids([[4, 5, 2], [6, 2, 1]]), // prettier-ignore
];
const text = () => [ids([[5, 6, 7, 2, 11], [3, 9, 8, 2, 17]])]; // prettier-ignore

type Model = NativeModule & { call(method: string, inputs: (Tensor | null)[]): (Tensor | null)[] };
type Make = (activationCheckpointing: boolean) => Model;
const translation =
  (options: TranslationModelOptions): Make =>
  (activationCheckpointing) =>
    DelightTransformer.create({ ...options, activationCheckpointing });
const language =
  (options: LanguageModelOptions): Make =>
  (activationCheckpointing) =>
    DelightLanguageModel.create({ ...options, activationCheckpointing });

const models: [string, Make, () => Tensor[]][] = [
  ['DeLighT', translation({ ...delight, ...vocabularies, encoder }), translationInputs],
  ['DeLighT with batch norms', translation({ ...delight, ...vocabularies, encoder, norm: 'batch' }), translationInputs],
  ['Transformer', translation({ ...transformer, ...vocabularies, encoder: { layers: 2, heads: 2 } }), translationInputs], // prettier-ignore
  ['Transformer, norms before', translation({ ...transformer, ...vocabularies, encoder: {}, normalizeBefore: true }), translationInputs], // prettier-ignore
  ['DeLighT of texts', language({ ...delight, vocabSize: 29 }), text],
  ['DeLighT of texts, adaptive', language({ ...delight, vocabSize: 29, adaptiveInput: { cutoffs: [9, 17] }, adaptiveSoftmax: {} }), text], // prettier-ignore
  ['Transformer of texts', language({ ...transformer, vocabSize: 29 }), text],
];

/** Loss, gradients, buffers after a pass, and what the random numbers come to next. */
function passOf(make: Make, inputs: () => Tensor[], checkpointing: boolean, dtype: 'float32' | 'bfloat16') {
  torch.manualSeed(3);
  return torch.scope(() => {
    const model = make(checkpointing);
    const run = () => model.call('loss', inputs())[0]!;
    const loss = dtype === 'float32' ? run() : torch.autocast({ device: 'cpu' }, run);
    loss.backward();
    const gradients = [...model.namedParameters()].map(([name, { grad }]) => [name, grad?.toArray()]);
    const buffers = [...model.namedBuffers()].map(([name, buffer]) => [name, buffer.toArray()]);
    const numbers = { loss: loss.item(), gradients, buffers, next: torch.rand([2]).toArray() };
    model.dispose();
    return numbers;
  });
}

test.each(models)('%s: the same loss, gradients, buffers and random numbers to the bit', (_name, make, inputs) => {
  for (const dtype of ['float32', 'bfloat16'] as const) {
    const usual = passOf(make, inputs, false, dtype);
    expect(usual.gradients.some(([, gradient]) => gradient === undefined)).toBe(false);
    expect(passOf(make, inputs, true, dtype)).toEqual(usual);
  }
});

test('a kept graph is differentiated twice, each time alike', () => {
  torch.scope(() => {
    const model = models[0]![1](true);
    const loss = model.call('loss', translationInputs())[0]!;
    loss.backward(undefined, { retainGraph: true });
    const once = [...model.parameters()].map(({ grad }) => grad!.mul(2).toArray());
    loss.backward();
    expect([...model.parameters()].map(({ grad }) => grad!.toArray())).toEqual(once);
    model.dispose();
  });
});

test.each([
  ['another mode', (model: Model) => model.eval(), 'train() and eval()'],
  ['other weights', (model: Model) => torch.noGrad(() => model.getParameter('decoder.layers.0.fc1.bias').add_(1)), 'a parameter has been changed'], // prettier-ignore
] as const)('%s between the two passes is refused', (_name, change, words) => {
  torch.scope(() => {
    const model = models[0]![1](true);
    const loss = model.call('loss', translationInputs())[0]!;
    change(model);
    expect(() => loss.backward()).toThrow(
      expect.objectContaining({ code: 'ERR_AUTOGRAD', message: expect.stringContaining(words) as string }),
    );
    model.dispose();
  });
});

test.each([
  ['DeLighT', language({ type: 'delight', hiddenSize: 128, vocabSize: 64, decoder: { blocks: 6, minDepth: 4, maxDepth: 4 } })], // prettier-ignore
  ['Transformer', language({ type: 'transformer', hiddenSize: 128, vocabSize: 64, decoder: { layers: 6, heads: 4 } })],
] as const)('%s: layers hold less until the backward pass', (_name, make) => {
  const heldBy = (checkpointing: boolean) =>
    torch.scope(() => {
      const model = make(checkpointing);
      const before = torch.memory.device('cpu').allocated;
      const loss = model.call('loss', [torch.zeros([8, 128], { dtype: 'int64' })])[0]!;
      const held = torch.memory.device('cpu').allocated - before;
      loss.backward();
      model.dispose();
      return held;
    });
  expect(heldBy(true)).toBeLessThan(heldBy(false) / 4);
});
