import path from 'node:path';

import { ByteTokenizer } from '../../lib/data/byte-tokenizer';
import type { DelightLanguageModel } from '../../lib/delight';
import type { GeneratedPiece, GenerateOptions, Prompt } from '../../lib/generation';
import { ResidualLlama } from '../../lib/residual';
import { torch } from '../../lib/tensor';
import { smallLanguageModel } from '../delight/search/models';
import dynamic from '../fixtures/generation/dynamic/continuations.json';
import golden from '../fixtures/hf-llama/index.json';
import { smallLlama } from './models';

type Model = ResidualLlama | DelightLanguageModel;

async function collect(
  model: Model,
  prompt: Prompt | readonly Prompt[],
  options: GenerateOptions = {},
): Promise<GeneratedPiece[]> {
  const pieces: GeneratedPiece[] = [];
  for await (const piece of model.generate(prompt, options)) pieces.push(piece);
  return pieces;
}

async function tokens(model: Model, prompt: Prompt, options: GenerateOptions = {}): Promise<number[]> {
  return (await collect(model, prompt, options)).map(({ token }) => token);
}

const textOf = (pieces: readonly GeneratedPiece[]) => pieces.map(({ text }) => text).join('');

/** A model that goes on with text, byte by byte. */
function byteModel(): ResidualLlama {
  const model = smallLlama({ vocabSize: 256, residual: '3.2' });
  model.tokenizer = new ByteTokenizer();
  return model;
}

/** Logarithms of the probabilities after a text, by one pass over it. */
function after(model: Model, text: number[]): number[] {
  return torch.scope(() => {
    const logits = model.forward(torch.tensor([text], { dtype: 'int64' }));
    return (logits.logSoftmax(-1).toArray() as number[][][])[0]!.at(-1)!;
  });
}

test.each(golden.cases.map(({ name, greedy_from_first5 }) => [name, greedy_from_first5] as const))(
  "greedy decoding gives transformers' tokens: %s",
  async (name, expected) => {
    using model = await ResidualLlama.load(path.resolve(__dirname, '../fixtures/hf-llama', name));
    const options = { temperature: 0, maxNewTokens: expected.length - 5, eosTokenId: null };
    expect(await tokens(model, expected.slice(0, 5), options)).toEqual(expected.slice(5));
  },
);

describe.each<[string, () => Model]>([
  ['ResidualLlama', () => smallLlama({ residual: '4.2' })],
  ['DelightLanguageModel', () => smallLanguageModel()],
])('%s', (_name, create) => {
  test('greedy takes the likeliest token each time', async () => {
    using model = create();
    const text = [7, 3, 22];
    for await (const { token, logProbability } of model.generate(text, { temperature: 0, maxNewTokens: 12 })) {
      const expected = after(model, text);
      expect(token).toBe(expected.indexOf(Math.max(...expected)));
      expect(logProbability).toBeCloseTo(expected[token]!, 4);
      text.push(token);
    }
    expect(text).toHaveLength(15);
  });

  test('drawn tokens have the probabilities of the model', async () => {
    using model = create();
    const text = [7, 3];
    for await (const { token, logProbability } of model.generate(text, { seed: 3, maxNewTokens: 20 })) {
      expect(logProbability).toBeCloseTo(after(model, text)[token]!, 4);
      text.push(token);
    }
  });

  test('a seed gives the same text again', async () => {
    using model = create();
    const options = { seed: 5, temperature: 1.5, topK: 20, topP: 0.95, minP: 0.01, maxNewTokens: 20 };
    expect(await tokens(model, [4], options)).toEqual(await tokens(model, [4], options));
    expect(await tokens(model, [4], options)).not.toEqual(await tokens(model, [4], { ...options, seed: 6 }));
  });

  test('several prompts of unlike lengths get what each gets alone', async () => {
    using model = create();
    const prompts = [[4], [7, 3, 22, 9, 9, 1], [30, 31, 2]];
    const alone = await Promise.all(
      prompts.map((prompt) => collect(model, prompt, { temperature: 0, maxNewTokens: 15 })),
    );
    const together = await collect(model, prompts, { temperature: 0, maxNewTokens: 15 });
    prompts.forEach((_, index) => {
      const own = together.filter((piece) => piece.index === index);
      expect(own.map(({ token }) => token)).toEqual(alone[index]!.map(({ token }) => token));
      own.forEach(({ logProbability }, i) => expect(logProbability).toBeCloseTo(alone[index]![i]!.logProbability, 4));
    });
    expect(together.filter(({ finishReason }) => finishReason === 'length').map(({ index }) => index)).toEqual([
      0, 1, 2,
    ]);
  });

  test('a text that ends leaves the others to go on', async () => {
    using model = create();
    const prompts = [[4, 5], [7, 3, 22], [30]];
    const options = { temperature: 0, maxNewTokens: 12 };
    const all = await collect(model, prompts, options);
    const of = (pieces: readonly GeneratedPiece[], index: number) =>
      pieces.filter((piece) => piece.index === index).map(({ token }) => token);
    const eosTokenId = of(all, 1)[3]!;
    const found = await collect(model, prompts, { ...options, eosTokenId: [eosTokenId] });
    prompts.forEach((_, index) => {
      const whole = of(all, index);
      const end = whole.indexOf(eosTokenId);
      expect(of(found, index)).toEqual(end < 0 ? whole : whole.slice(0, end + 1));
    });
    expect(found.find(({ index, finishReason }) => index === 1 && finishReason !== undefined)).toMatchObject({
      token: eosTokenId,
      text: '',
      finishReason: 'eos',
    });
  });

  test('a seed gives a prompt the same text whatever else is in the batch before it ends', async () => {
    using model = create();
    const options = { seed: 9, maxNewTokens: 8 };
    const first = await collect(
      model,
      [
        [4, 5],
        [6, 7],
      ],
      options,
    );
    const second = await collect(model, [[4, 5], [8]], options);
    const of = (pieces: readonly GeneratedPiece[]) =>
      pieces.filter(({ index }) => index === 0).map(({ token }) => token);
    expect(of(first)).toEqual(of(second));
  });

  test('nothing native is left when the reader stops early', async () => {
    using model = create();
    const before = torch.memory().tensors;
    for await (const _piece of model.generate([[4, 5], [6]])) break;
    expect(torch.memory().tensors).toBe(before);
  });

  test('a signal in the middle ends it', async () => {
    using model = create();
    const controller = new AbortController();
    const read = async () => {
      for await (const _piece of model.generate([4], { signal: controller.signal }))
        controller.abort(new Error('enough'));
    };
    await expect(read()).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: { message: 'enough' } });
  });

  test('a model that is disposed in the middle is an error, and frees what there is', async () => {
    const model = create();
    const before = torch.memory().tensors;
    const read = async () => {
      for await (const _piece of model.generate([4])) model.dispose();
    };
    await expect(read()).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    expect(torch.memory().tensors).toBeLessThan(before);
  });

  test.each<[string, Prompt | readonly Prompt[], GenerateOptions, string, RegExp]>([
    ['an empty prompt', [], {}, 'ERR_ARGUMENT', /no tokens/],
    ['an empty prompt among others', [[1], []], {}, 'ERR_ARGUMENT', /prompt 1 has no tokens/],
    ['an id outside the vocabulary', [4, 40], {}, 'ERR_DATA', /token id 40; .* 0 to 39/],
    ['an id that is none', [4, 0.5], {}, 'ERR_DATA', /token id 0\.5/],
    ['a text without a tokenizer', 'Call', {}, 'ERR_ARGUMENT', /no tokenizer/],
    ['a prompt of another kind', [[1], 3] as never, {}, 'ERR_ARGUMENT', /prompt 1 is neither/],
    ['no prompt', null as never, {}, 'ERR_ARGUMENT', /a prompt is a text/],
    ['no new tokens', [4], { maxNewTokens: 0 }, 'ERR_ARGUMENT', /maxNewTokens is 0/],
    ['a temperature below 0', [4], { temperature: -1 }, 'ERR_ARGUMENT', /temperature is -1/],
    ['a stop string without a tokenizer', [4], { stop: 'x' }, 'ERR_ARGUMENT', /stop strings need a tokenizer/],
    ['a raised signal', [4], { signal: AbortSignal.abort() }, 'ERR_ABORTED', /cancelled/],
  ])('%s is an error', async (_name, prompt, options, code, message) => {
    using model = create();
    await expect(collect(model, prompt, options)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
  });
});

test.each(dynamic.cases.map(({ prompt, tokens }) => [prompt.length, prompt, tokens] as const))(
  "dynamically scaled positions beyond their length give transformers' tokens: a prompt of %i",
  async (_length, prompt, expected) => {
    using model = await ResidualLlama.load(path.resolve(__dirname, '../fixtures/generation/dynamic'));
    const options = { temperature: 0, maxNewTokens: expected.length, eosTokenId: null };
    expect(await tokens(model, prompt, options)).toEqual(expected);
    // A batch scales each text by its own length.
    const pieces = await collect(model, [[1], prompt], options);
    expect(pieces.filter(({ index }) => index === 1).map(({ token }) => token)).toEqual(expected);
  },
);

test('a signal ends the reading of a long prompt', async () => {
  using model = smallLlama({ hiddenSize: 64, numAttentionHeads: 8, residual: '1' });
  const controller = new AbortController();
  const prompt = Array.from({ length: 4000 }, (_, i) => i % 40);
  const first = model.generate(prompt, { signal: controller.signal }).next();
  setTimeout(() => controller.abort(), 20);
  await expect(first).rejects.toMatchObject({ code: 'ERR_ABORTED' });
});

test('DeLighT ends where its positions do', async () => {
  using model = smallLanguageModel();
  expect(await tokens(model, [4], { seed: 1 })).toHaveLength(31);
  const tooLong = new Array<number>(32).fill(4);
  await expect(tokens(model, tooLong)).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: expect.stringMatching(/32 positions/),
  });
  await expect(tokens(model, [4], { maxNewTokens: 32 })).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
});

test('rotary positions go on beyond the length that the configuration names', async () => {
  using model = smallLlama({ maxPositionEmbeddings: 8 });
  const text = [3, 1, 4];
  for await (const { token } of model.generate(text, { temperature: 0, maxNewTokens: 20 })) {
    const expected = after(model, text);
    expect(token).toBe(expected.indexOf(Math.max(...expected)));
    text.push(token);
  }
});

test('the repetition penalty makes texts with fewer repetitions', async () => {
  using model = smallLlama();
  const options = { temperature: 0, maxNewTokens: 30 };
  const plain = await tokens(model, [4, 5], options);
  const penalised = await tokens(model, [4, 5], { ...options, repetitionPenalty: 100 });
  expect(new Set(penalised).size).toBe(30);
  expect(new Set(plain).size).toBeLessThan(30);
  expect(penalised).not.toContain(4);
});

test('text comes in pieces that make the whole, characters only when they are complete', async () => {
  using model = byteModel();
  const pieces = await collect(model, 'Call', { seed: 2, maxNewTokens: 60 });
  expect(pieces).toHaveLength(60);
  expect(textOf(pieces)).toBe(await model.tokenizer!.decode(pieces.map(({ token }) => token)));
  expect(pieces.at(-1)!.finishReason).toBe('length');
});

test('a text ends before a stop string, which may span tokens', async () => {
  using model = byteModel();
  const options = { seed: 4, maxNewTokens: 60 };
  const whole = textOf(await collect(model, 'Call me', options));
  const stop = whole.slice(20, 23);
  const pieces = await collect(model, 'Call me', { ...options, stop: ['never', stop] });
  expect(textOf(pieces)).toBe(whole.slice(0, whole.indexOf(stop)));
  expect(pieces.at(-1)).toMatchObject({ finishReason: 'stop' });
  expect(pieces.length).toBeLessThan(60);
});

test('a stop string ends its own text only', async () => {
  using model = byteModel();
  const options = { seed: 4, maxNewTokens: 40 };
  const prompts = ['Call me', 'It was'];
  const of = (pieces: readonly GeneratedPiece[], index: number) =>
    textOf(pieces.filter((piece) => piece.index === index));
  const whole = await collect(model, prompts, options);
  const stop = of(whole, 0).slice(5, 8);
  expect(of(whole, 1)).not.toContain(stop);
  const found = await collect(model, prompts, { ...options, stop });
  expect(of(found, 0)).toBe(of(whole, 0).slice(0, of(whole, 0).indexOf(stop)));
  expect(of(found, 1)).toBe(of(whole, 1));
});

test('several generations of one model at once do not disturb each other', async () => {
  using model = smallLlama({ residual: '1' });
  const options = { seed: 3, maxNewTokens: 15 };
  const alone = [await tokens(model, [4], options), await tokens(model, [5, 6], options)];
  expect(await Promise.all([tokens(model, [4], options), tokens(model, [5, 6], options)])).toEqual(alone);
});
