import fc from 'fast-check';

import { randomNumbers } from '../../../lib/data';
import { beamSearchOver, type BeamOptions } from '../../../lib/delight/search/beam';
import type { Hypothesis } from '../../../lib/delight/search/hypothesis';
import { FakeDecoder, logSoftmax, type FakeModel } from '../../generation/fake-decoder';

const pad = 1;
const eos = 2;
/** Ids from here on are words. */
const [a, b, c, d] = [3, 4, 5, 6] as const;

interface Run {
  vocabSize?: number;
  sentences?: number;
  maxLength?: number;
}

async function search(
  model: FakeModel,
  options: BeamOptions,
  { vocabSize = 7, sentences = 1, maxLength = 10 }: Run = {},
) {
  const decoder = new FakeDecoder(model, vocabSize, sentences, Math.min(options.beams ?? 5, vocabSize - 1));
  const task = { sentences, maxLength, padTokenId: pad, eosTokenId: eos };
  return { found: await beamSearchOver(decoder, task, options), decoder };
}

/** Probabilities of the tokens that matter; nothing else can come. `read` begins with eos. */
function table(
  next: Record<string, Record<number, number>>,
  otherwise: Record<number, number> = { [eos]: 1 },
): FakeModel {
  return (_sentence, read) => {
    const probabilities = next[read.slice(1).join(' ')] ?? otherwise;
    return Array.from({ length: 7 }, (_, id) => Math.log(probabilities[id] ?? 0));
  };
}

const texts = (hypotheses: Hypothesis[]) => hypotheses.map(({ tokens }) => tokens.join(' '));

describe('what ends', () => {
  test('an eos counts only among the first `beams` candidates; the others that follow move up', async () => {
    const model = table({
      '': { [a]: 0.4, [b]: 0.3, [eos]: 0.2, [c]: 0.1 },
      [`${a}`]: { [c]: 1 },
      [`${b}`]: { [d]: 1 },
    });
    const { found } = await search(model, { beams: 2, minLength: 0 });
    expect(texts(found[0]!)).toEqual([`${a} ${c} ${eos}`, `${b} ${d} ${eos}`]);
    // Among the first three, it ends a text at once.
    const wide = await search(model, { beams: 3, minLength: 0 });
    expect(texts(wide.found[0]!)).toContain(`${eos}`);
  });

  test('an ended text gives its place to the next candidate', async () => {
    const model = table({
      '': { [a]: 0.6, [b]: 0.4 },
      [`${a}`]: { [eos]: 0.5, [c]: 0.3, [d]: 0.2 },
      [`${b}`]: { [c]: 0.4, [d]: 0.35, [eos]: 0.25 },
    });
    // After `a` (0.6) and `b` (0.4): a eos 0.3, a c 0.18, b c 0.16, b d 0.14, a d 0.12, b eos 0.1.
    const { found, decoder } = await search(model, { beams: 2, lengthPenalty: 0 });
    expect(texts(found[0]!)).toEqual([`${a} ${eos}`, `${a} ${c} ${eos}`]);
    expect([...decoder.steps[2]!.tokens]).toEqual([c, c]);
    expect([...decoder.steps[2]!.order!]).toEqual([0, 1]);
  });

  test('a sentence is done with as many ended texts as beams, even if better ones could come', async () => {
    const model = table({
      '': { [a]: 0.5, [b]: 0.45, [eos]: 0.05 },
      [`${a}`]: { [eos]: 0.51, [c]: 0.49 },
      [`${b}`]: { [eos]: 0.6, [c]: 0.4 },
    });
    const { found, decoder } = await search(model, { beams: 2, lengthPenalty: 5 });
    expect(texts(found[0]!)).toEqual([`${a} ${eos}`, `${b} ${eos}`].sort(() => -1));
    expect(decoder.steps).toHaveLength(2);
  });

  test('at the greatest length all texts end in eos, with its own probability', async () => {
    const model = table({}, { [a]: 0.6, [b]: 0.399, [eos]: 0.001 });
    const { found, decoder } = await search(model, { beams: 2, lengthPenalty: 0 }, { maxLength: 3 });
    expect(found[0]!.map(({ tokens }) => tokens.length)).toEqual([4, 4]);
    expect(found[0]!.every(({ tokens }) => tokens.at(-1) === eos)).toBe(true);
    expect(found[0]![0]!.score).toBeCloseTo(3 * Math.log(0.6) + Math.log(0.001), 5);
    expect(decoder.steps.map(({ only }) => only)).toEqual([null, null, null, eos]);
  });

  test('a greatest length of 0 gives the empty text, whatever the least length', async () => {
    const { found } = await search(table({}, { [a]: 0.9, [eos]: 0.1 }), { beams: 3, minLength: 4 }, { maxLength: 0 });
    expect(texts(found[0]!)).toEqual([`${eos}`]);
  });

  test('no eos before the least length, and probabilities stay as they are', async () => {
    const model = table({}, { [eos]: 0.9, [a]: 0.1 });
    for (const [minLength, length] of [
      [undefined, 2],
      [0, 1],
      [1, 2],
      [4, 5],
    ] as const) {
      const options = { beams: 1, lengthPenalty: 0, ...(minLength === undefined ? {} : { minLength }) };
      const { found } = await search(model, options);
      expect(found[0]![0]!.tokens).toHaveLength(length);
      expect(found[0]![0]!.score).toBeCloseTo((length - 1) * Math.log(0.1) + Math.log(0.9), 5);
    }
  });
});

test('all beams begin alike, so only the first is followed: texts differ', async () => {
  const { found } = await search(table({ '': { [a]: 0.7, [b]: 0.2, [c]: 0.1 } }), { beams: 3 });
  expect(texts(found[0]!)).toEqual([`${a} ${eos}`, `${b} ${eos}`, `${c} ${eos}`]);
});

test('the length penalty decides between short and long texts', async () => {
  const model = table({
    '': { [a]: 0.5, [b]: 0.5 },
    [`${a}`]: { [eos]: 1 },
    [`${b}`]: { [c]: 0.9 },
    [`${b} ${c}`]: { [c]: 0.9 },
    [`${b} ${c} ${c}`]: { [eos]: 0.9 },
  });
  const short = `${a} ${eos}`;
  const long = `${b} ${c} ${c} ${eos}`;
  const order = async (lengthPenalty: number) => texts((await search(model, { beams: 2, lengthPenalty })).found[0]!);
  expect(await order(0)).toEqual([short, long]);
  expect(await order(1)).toEqual([long, short]);
  const [, second] = (await search(model, { beams: 2, lengthPenalty: 0.5 })).found[0]!;
  expect(second!.score).toBeCloseTo((Math.log(0.5) + 3 * Math.log(0.9)) / 4 ** 0.5, 6);
});

test('padding is never chosen', async () => {
  const { found } = await search(table({}, { [pad]: 0.9, [eos]: 0.06, [a]: 0.04 }), { beams: 2 });
  expect(found[0]!.flatMap(({ tokens }) => tokens)).not.toContain(pad);
});

test('positional scores are steps of the float32 sum, and add up to it', async () => {
  const { found } = await search(hashed(7), { beams: 3, lengthPenalty: 0 });
  for (const { score, positionalScores, tokens } of found[0]!) {
    expect(positionalScores).toHaveLength(tokens.length);
    expect(positionalScores.every((value) => value === Math.fround(value))).toBe(true);
    expect(positionalScores.reduce((sum, value) => sum + value, 0)).toBeCloseTo(score, 5);
  }
});

test('sentences that are done leave the batch; the others keep their texts', async () => {
  const lengths = [5, 1, 3];
  const model: FakeModel = (sentence, read) => {
    const isOver = read.length > lengths[sentence]!;
    return Array.from({ length: 7 }, (_, id) => {
      if (isOver) return id === eos ? 0 : -Infinity;
      return id === a + sentence ? Math.log(0.8) : id === d ? Math.log(0.2) : -Infinity;
    });
  };
  const { found, decoder } = await search(model, { beams: 2 }, { sentences: 3 });
  expect(found.map(([best]) => best!.tokens)).toEqual([
    [a, a, a, a, a, eos],
    [b, eos],
    [c, c, c, eos],
  ]);
  expect(decoder.steps.map(({ tokens }) => tokens.length)).toEqual([6, 6, 4, 4, 2, 2]);
});

test('more beams than the vocabulary has other tokens are that many', async () => {
  const { found } = await search(hashed(5), { beams: 100 }, { vocabSize: 5, maxLength: 6 });
  expect(found[0]).toHaveLength(4);
  expect(new Set(texts(found[0]!)).size).toBe(4);
});

test('a model that gives no numbers is an error', async () => {
  await expect(search(() => new Array<number>(7).fill(NaN), {})).rejects.toMatchObject({ code: 'ERR_NON_FINITE' });
});

test.each<BeamOptions>([{ beams: 0 }, { beams: 1.5 }, { lengthPenalty: NaN }, { minLength: -1 }])(
  '%j is refused',
  async (options) => {
    await expect(search(hashed(7), options)).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  },
);

describe('against a plain search over whole rows of probabilities', () => {
  const cases = fc.record({
    seed: fc.nat(),
    vocabSize: fc.integer({ min: 5, max: 12 }),
    beams: fc.integer({ min: 1, max: 4 }),
    maxLength: fc.integer({ min: 0, max: 7 }),
    minLength: fc.integer({ min: 0, max: 3 }),
    lengthPenalty: fc.constantFrom(0, 0.4, 1, 1.5),
  });

  test('the same texts and scores', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ seed, vocabSize, maxLength, ...options }) => {
        const model = hashed(vocabSize, seed);
        const { found } = await search(model, options, { vocabSize, maxLength, sentences: 2 });
        expect(found).toEqual([0, 1].map((sentence) => plainSearch(model, sentence, vocabSize, maxLength, options)));
      }),
      { numRuns: 300 },
    );
  });

  test('a sentence has the same translations alone and among others', async () => {
    const model = hashed(9, 5);
    const together = await search(model, { beams: 4 }, { vocabSize: 9, sentences: 6, maxLength: 12 });
    for (const sentence of [0, 3, 5]) {
      const alone = await search((_, read) => model(sentence, read), { beams: 4 }, { vocabSize: 9, maxLength: 12 });
      expect(alone.found[0]).toEqual(together.found[sentence]);
    }
  });
});

/** Probabilities that look random, but are the same for the same text. */
function hashed(vocabSize: number, seed = 1): FakeModel {
  return (sentence, read) => {
    const random = randomNumbers(seed, sentence, ...read);
    return logSoftmax(Array.from({ length: vocabSize }, () => 4 * random()));
  };
}

/** The rules again, a whole row of sums at a time, for one sentence. */
function plainSearch(
  model: FakeModel,
  sentence: number,
  vocabSize: number,
  maxLength: number,
  { beams, minLength, lengthPenalty }: Required<BeamOptions>,
): Hypothesis[] {
  let live: { text: number[]; sums: number[] }[] = [{ text: [], sums: [] }];
  const ended: Hypothesis[] = [];
  for (let step = 0; ended.length < beams && step <= maxLength; step++) {
    const all = live.flatMap(({ text, sums }) =>
      model(sentence, [eos, ...text]).flatMap((value, id) => {
        const isLast = step === maxLength;
        if (id === pad || (isLast && id !== eos) || (!isLast && step < minLength && id === eos)) return [];
        return [{ text: [...text, id], sums: [...sums, Math.fround((sums.at(-1) ?? 0) + value)] }];
      }),
    );
    const best = all.sort((x, y) => y.sums.at(-1)! - x.sums.at(-1)!).slice(0, 2 * beams);
    for (const { text, sums } of best.slice(0, beams)) {
      if (text.at(-1) !== eos || ended.length === beams) continue;
      const score = Math.fround(sums.at(-1)! / Math.fround(text.length ** lengthPenalty));
      const positionalScores = sums.map((sum, index) => Math.fround(sum - (sums[index - 1] ?? 0)));
      ended.push({ tokens: text, score, positionalScores });
    }
    live = best.filter(({ text }) => text.at(-1) !== eos).slice(0, beams);
  }
  return ended.sort((x, y) => y.score - x.score);
}
