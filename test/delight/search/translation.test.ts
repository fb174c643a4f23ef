import { beamSearch, sampledHypotheses, sampleTranslations, type DelightTransformer } from '../../../lib/delight';
import type { Hypothesis } from '../../../lib/delight/search';
import { torch } from '../../../lib/tensor';
import { smallTransformer, smallTranslator } from './models';

const pad = 1;
const eos = 2;
const sources = [[5, 9, 17, 4, 33, 8], [11], [6, 6, 21, 30], [38, 4, 5, 19, 7, 7, 12, 29, 13]];

const refused = (code: string, message: RegExp) => ({ code, message: expect.stringMatching(message) });

/** Logarithms of the probabilities of a translation's tokens, by one pass over the whole of it. */
function forced(model: DelightTransformer, source: number[], { tokens }: Hypothesis): number[] {
  return torch.scope(() => {
    const ids = (row: number[]) => torch.tensor([row], { dtype: 'int64' });
    const logits = model.forward(ids([...source, eos]), ids([eos, ...tokens.slice(0, -1)]));
    const all = logits.logSoftmax(-1).toArray() as number[][][];
    return tokens.map((token, place) => all[0]![place]![token]!);
  });
}

function expectNear(values: number[], expected: number[]): void {
  expect(values).toHaveLength(expected.length);
  values.forEach((value, index) => expect(Math.abs(value - expected[index]!)).toBeLessThan(2e-5));
}

describe.each([
  ['DeLighT', smallTranslator],
  ['Transformer', smallTransformer],
])('%s', (_name, make) => {
  test('scores are those of one pass over the whole translation', async () => {
    using model = make();
    const found = await beamSearch(model, sources, { beams: 4, lengthPenalty: 0.7, maxLengthB: 12 });
    found.forEach((hypotheses, index) => {
      expect(hypotheses).toHaveLength(4);
      for (const hypothesis of hypotheses) {
        expectNear(hypothesis.positionalScores, forced(model, sources[index]!, hypothesis));
        const sum = hypothesis.positionalScores.reduce((total, value) => total + value, 0);
        expect(hypothesis.score).toBeCloseTo(sum / hypothesis.tokens.length ** 0.7, 4);
        expect(hypothesis.tokens.at(-1)).toBe(eos);
        expect(hypothesis.tokens).not.toContain(pad);
      }
    });
  });

  test('a sentence has the same translations alone and among longer ones', async () => {
    using model = make();
    const together = await beamSearch(model, sources, { beams: 3, maxLengthB: 10 });
    for (const [index, source] of sources.entries()) {
      const [alone] = await beamSearch(model, [source], { beams: 3, maxLengthB: 10 });
      expect(alone!.map(({ tokens }) => tokens)).toEqual(together[index]!.map(({ tokens }) => tokens));
      alone!.forEach(({ score }, rank) => expect(score).toBeCloseTo(together[index]![rank]!.score, 4));
    }
  });

  test('drawn tokens have the probabilities of one pass, too', async () => {
    using model = make();
    const found = await sampledHypotheses(model, sources, { samples: 2, seed: 4, maxLengthB: 8 });
    found.forEach((hypotheses, index) => {
      for (const hypothesis of hypotheses)
        expectNear(hypothesis.positionalScores, forced(model, sources[index]!, hypothesis));
    });
  });
});

test('a beam of one is the greedy translation', async () => {
  using model = smallTranslator();
  const options = { maxLengthB: 9 };
  const beams = await beamSearch(model, sources, { beams: 1, minLength: 0, ...options });
  const greedy = await sampledHypotheses(model, sources, { temperature: 0, ...options });
  beams.forEach(([best], index) => {
    const { tokens } = greedy[index]![0]!;
    // The search forces an eos at the greatest length; greedy stops there.
    const length = Math.min(tokens.length, options.maxLengthB);
    expect(best!.tokens.slice(0, length)).toEqual(tokens.slice(0, length));
  });
});

test('a tensor of padded ids is the same as sentences', async () => {
  using model = smallTranslator();
  const rows = [
    [5, 9, 4, eos],
    [pad, pad, 7, eos],
  ];
  using ids = torch.tensor(rows, { dtype: 'int64' });
  const options = { beams: 2, maxLengthB: 6 };
  expect(await beamSearch(model, ids, options)).toEqual(await beamSearch(model, [[5, 9, 4], [7]], options));
});

test('a translation has no more tokens than its greatest length and the model allow', async () => {
  using model = smallTranslator();
  const longest = async (options: object) => {
    const found = await beamSearch(model, [[4, 5, 6]], { beams: 2, minLength: 1000, ...options });
    return Math.max(...found[0]!.map(({ tokens }) => tokens.length));
  };
  expect(await longest({ maxLengthB: 5 })).toBe(6);
  expect(await longest({ maxLengthA: 1.6, maxLengthB: 1 })).toBe(Math.floor(1.6 * 4 + 1) + 1);
  expect(await longest({})).toBe(24);
});

test('more beams than the vocabulary are as many as it has', async () => {
  using model = smallTranslator(6);
  const [found] = await beamSearch(model, [[4, 5]], { beams: 50, maxLengthB: 4 });
  expect(found).toHaveLength(5);
});

test('dropout is off while searching, and as it was afterwards', async () => {
  using model = smallTranslator();
  const expected = await beamSearch(model, sources, { maxLengthB: 6 });
  model.train();
  expect(await beamSearch(model, sources, { maxLengthB: 6 })).toEqual(expected);
  expect(model.training).toBe(true);
  await expect(beamSearch(model, [[999]])).rejects.toMatchObject({ code: 'ERR_DATA' });
  expect(model.training).toBe(true);
});

test('and while another search of the model goes on', async () => {
  using model = smallTranslator();
  const expected = await beamSearch(model, sources, { maxLengthB: 12 });
  model.train();
  const short = beamSearch(model, [[4]], { maxLengthB: 1 });
  const long = beamSearch(model, sources, { maxLengthB: 12 });
  await short;
  expect(await long).toEqual(expected);
  expect(model.training).toBe(true);
});

test.each<[string, () => Parameters<typeof beamSearch>[1], object, object]>([
  [
    'an id outside the vocabulary',
    () => [[4], [5, 40]],
    {},
    refused('ERR_DATA', /sentence 1 holds token id 40; .* 0 to 39/),
  ],
  ['half an id', () => [[4.5]], {}, refused('ERR_DATA', /sentence 0 holds token id 4\.5/)],
  ['an id beyond 32 bits', () => [[2 ** 32 + 4]], {}, refused('ERR_DATA', /holds token id 4294967300/)],
  ['a negative id', () => [[-1]], {}, refused('ERR_DATA', /sentence 0 holds token id -1/)],
  [
    'too long a sentence',
    () => [[4], new Array<number>(24).fill(4)],
    {},
    refused('ERR_DATA', /sentence 1 has 25 tokens.* at most 24/),
  ],
  ['no sentences', () => [], {}, refused('ERR_ARGUMENT', /no sentences/)],
  [
    'a row of padding',
    () =>
      torch.tensor(
        [
          [5, eos],
          [pad, pad],
        ],
        { dtype: 'int64' },
      ),
    {},
    refused('ERR_DATA', /sentence 1 is nothing but padding/),
  ],
  ['a float tensor', () => torch.tensor([[5, 2]]), {}, refused('ERR_SHAPE', /\[sentences, time\] of int64/)],
  ['a flat tensor', () => torch.tensor([5, 2], { dtype: 'int64' }), {}, refused('ERR_SHAPE', /\[sentences, time\]/)],
  ['no beams', () => [[4]], { beams: 0 }, refused('ERR_ARGUMENT', /beams is 0/)],
  ['a length that is none', () => [[4]], { maxLengthB: -1 }, refused('ERR_ARGUMENT', /maxLengthB is -1/)],
])('%s is an error', async (_name, source, options, error) => {
  using model = smallTranslator();
  await expect(beamSearch(model, source(), options)).rejects.toMatchObject(error);
});

describe('jobs', () => {
  test('nothing native is left, whatever happens', async () => {
    using model = smallTranslator();
    const before = torch.memory().tensors;
    await beamSearch(model, sources, { maxLengthB: 5 });
    await expect(beamSearch(model, sources, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ERR_ABORTED',
    });
    for await (const _drawn of sampleTranslations(model, sources, { maxLengthB: 5 })) break;
    expect(torch.memory().tensors).toBe(before);
    expect(model.training).toBe(false);
  });

  test('an AbortSignal stops it on the way', async () => {
    using model = smallTranslator();
    const controller = new AbortController();
    let steps = 0;
    const drawing = async () => {
      for await (const _drawn of sampleTranslations(model, [[4, 5]], {
        signal: controller.signal,
        minLength: 20,
      } as object)) {
        if (++steps === 2) controller.abort(new Error('enough'));
      }
    };
    await expect(drawing()).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: { message: 'enough' } });
    expect(steps).toBe(2);
  });

  test('the event loop turns meanwhile', async () => {
    using model = smallTranslator();
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await beamSearch(model, new Array<number[]>(20).fill(sources[3]!), { beams: 8, maxLengthB: 23, minLength: 23 });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(5);
  });
});
