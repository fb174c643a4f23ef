import { generate, generateText, type DelightLanguageModel, type GenerateOptions } from '../../../lib/delight';
import { ByteTokenizer } from '../../../lib/data/byte-tokenizer';
import { torch } from '../../../lib/tensor';
import { smallLanguageModel } from './models';

async function tokens(model: DelightLanguageModel, prompt: number[], options: GenerateOptions): Promise<number[]> {
  const found: number[] = [];
  for await (const { token } of generate(model, prompt, options)) found.push(token);
  return found;
}

/** Logarithms of the probabilities after a text, by one pass over it. */
function after(model: DelightLanguageModel, text: number[]): number[] {
  return torch.scope(() => {
    const logits = model.forward(torch.tensor([text], { dtype: 'int64' }));
    return (logits.logSoftmax(-1).toArray() as number[][][])[0]!.at(-1)!;
  });
}

test('greedy takes the likeliest token each time', async () => {
  using model = smallLanguageModel();
  const text = [7, 3, 22];
  for await (const { token, logProbability } of generate(model, text, { temperature: 0, maxNewTokens: 12 })) {
    const expected = after(model, text);
    expect(token).toBe(expected.indexOf(Math.max(...expected)));
    expect(logProbability).toBeCloseTo(expected[token]!, 4);
    text.push(token);
  }
  expect(text).toHaveLength(15);
});

test('drawn tokens have the probabilities of the model', async () => {
  using model = smallLanguageModel();
  const text = [7, 3];
  for await (const { token, logProbability } of generate(model, text, { seed: 3, maxNewTokens: 20 })) {
    expect(logProbability).toBeCloseTo(after(model, text)[token]!, 4);
    text.push(token);
  }
});

test('a seed gives the same text again', async () => {
  using model = smallLanguageModel();
  const options = { seed: 5, temperature: 1.5, topK: 20, topP: 0.95, maxNewTokens: 20 };
  expect(await tokens(model, [4], options)).toEqual(await tokens(model, [4], options));
  expect(await tokens(model, [4], options)).not.toEqual(await tokens(model, [4], { ...options, seed: 6 }));
});

test('the text ends with its eos, or when the positions are used up', async () => {
  using model = smallLanguageModel();
  const all = await tokens(model, [4], { seed: 1 });
  expect(all).toHaveLength(31);
  const eosTokenId = all[9]!;
  expect(await tokens(model, [4], { seed: 1, eosTokenId })).toEqual(all.slice(0, all.indexOf(eosTokenId) + 1));
});

test('text comes in pieces that make the whole', async () => {
  const tokenizer = new ByteTokenizer();
  using model = smallLanguageModel(tokenizer.vocabSize);
  const options = { seed: 2, maxNewTokens: 25 };
  const pieces: string[] = [];
  for await (const piece of generateText(model, tokenizer, 'Call', options)) pieces.push(piece);
  const ids = await tokens(model, await tokenizer.encode('Call'), { ...options, eosTokenId: tokenizer.eosTokenId });
  expect(pieces.length).toBeGreaterThan(5);
  expect(pieces.join('')).toBe(await tokenizer.decode(ids));
});

test('nothing native is left when the reader stops early', async () => {
  using model = smallLanguageModel();
  const before = torch.memory().tensors;
  for await (const _token of generate(model, [4, 5])) break;
  expect(torch.memory().tensors).toBe(before);
});

test.each<[string, number[], GenerateOptions, string, RegExp]>([
  ['an empty prompt', [], {}, 'ERR_ARGUMENT', /no tokens/],
  ['an id outside the vocabulary', [4, 40], {}, 'ERR_DATA', /token id 40; .* 0 to 39/],
  ['too long a prompt', new Array<number>(32).fill(4), {}, 'ERR_ARGUMENT', /32 tokens, .* 32 positions/],
  ['too many new tokens', [4], { maxNewTokens: 32 }, 'ERR_ARGUMENT', /no room for 32 new tokens/],
  ['no new tokens', [4], { maxNewTokens: 0 }, 'ERR_ARGUMENT', /maxNewTokens is 0/],
  ['a temperature below 0', [4], { temperature: -1 }, 'ERR_ARGUMENT', /temperature is -1/],
  ['a raised signal', [4], { signal: AbortSignal.abort() }, 'ERR_ABORTED', /cancelled/],
])('%s is an error', async (_name, prompt, options, code, message) => {
  using model = smallLanguageModel();
  await expect(tokens(model, prompt, options)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
});
