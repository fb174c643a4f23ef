import { perplexity, type DelightLanguageModel, type PerplexityOptions } from '../../lib/delight';
import { torch } from '../../lib/tensor';
import { smallLanguageModel } from './search/models';

const start = 2;
const text = Array.from({ length: 37 }, (_, index) => 3 + ((index * 11 + (index % 5) * 7) % 37));

/** Loss of each token of the text, in nats, when `blockSize - context` new ones are read after `context` others. */
function losses(model: DelightLanguageModel, blockSize: number, context: number): number[] {
  const read = [start, ...text];
  return text.map((token, place) => {
    const begin = place - (place % (blockSize - context));
    const seen = read.slice(Math.max(0, begin - context), place + 1);
    return torch.scope(() => {
      const logits = model.forward(torch.tensor([seen], { dtype: 'int64' }));
      return -(logits.logSoftmax(-1).toArray() as number[][][])[0]!.at(-1)![token]!;
    });
  });
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

test.each([
  [8, 0],
  [8, 3],
  [10, 9],
  [32, 20],
  [32, 0],
])('blocks of %d with a context of %d', async (blockSize, context) => {
  using model = smallLanguageModel();
  const expected = mean(losses(model, blockSize, context));
  for (const batchSize of [1, 3]) {
    const found = await perplexity(model, text, { startTokenId: start, blockSize, context, batchSize });
    expect(found.tokens).toBe(text.length);
    expect(found.nats).toBeCloseTo(expected, 4);
    expect(found.bits).toBeCloseTo(expected / Math.LN2, 4);
    expect(found.perplexity).toBeCloseTo(2 ** found.bits, 8);
  }
});

test('the context matters', async () => {
  using model = smallLanguageModel();
  const options = { startTokenId: start, blockSize: 8 };
  const [without, having] = [
    await perplexity(model, text, options),
    await perplexity(model, text, { ...options, context: 6 }),
  ];
  expect(Math.abs(without.nats - having.nats)).toBeGreaterThan(1e-3);
});

test('progress counts every token once; nothing native is left; dropout is as it was', async () => {
  using model = smallLanguageModel();
  model.train();
  const before = torch.memory().tensors;
  const seen: number[] = [];
  const onProgress = ({ tokens, totalTokens }: { tokens: number; totalTokens: number }) => {
    seen.push(tokens);
    expect(totalTokens).toBe(37);
  };
  await perplexity(model, Uint16Array.from(text), { startTokenId: start, blockSize: 10, context: 2, onProgress });
  expect(seen.at(-1)).toBe(37);
  expect(seen.toSorted((a, b) => a - b)).toEqual(seen);
  expect(torch.memory().tensors).toBe(before);
  expect(model.training).toBe(true);
});

test.each<[string, number[], Partial<PerplexityOptions>, string, RegExp]>([
  ['a block beyond the positions', text, { blockSize: 33 }, 'ERR_ARGUMENT', /blockSize is 33, but the model has 32/],
  ['a context that leaves no room', text, { blockSize: 8, context: 8 }, 'ERR_ARGUMENT', /context is 8/],
  ['a batch of none', text, { batchSize: 0 }, 'ERR_ARGUMENT', /batchSize/],
  ['an id outside the vocabulary', [3, 40], {}, 'ERR_DATA', /token 1 of the text is 40/],
  ['a start outside the vocabulary', text, { startTokenId: 40 }, 'ERR_DATA', /startTokenId is 40/],
  ['no text', [], {}, 'ERR_DATA', /no tokens/],
  ['a raised signal', text, { signal: AbortSignal.abort() }, 'ERR_ABORTED', /cancelled/],
])('%s is an error', async (_name, tokens, options, code, message) => {
  using model = smallLanguageModel();
  const found = perplexity(model, tokens, { startTokenId: start, ...options });
  await expect(found).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
});
