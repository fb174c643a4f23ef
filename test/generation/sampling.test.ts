import { randomNumbers } from '../../lib/data';
import { resolveSampling, Sampler, type SampledToken, type SamplingOptions } from '../../lib/generation';
import { FakeDecoder, type FakeModel } from './fake-decoder';

const eos = 2;
const probabilities = [0.05, 0.01, 0.04, 0.5, 0.25, 0.15];
const fixed: FakeModel = () => probabilities.map((value) => Math.log(value));

interface Run {
  sentences?: number;
  samples?: number;
  maxTokens?: number;
  prompt?: number[];
  numbers?: number[];
  banned?: number[];
}

async function sample(model: FakeModel, options: SamplingOptions, run: Run = {}) {
  const { sentences = 1, samples = 1, maxTokens = 5, prompt = [eos], banned = [1], numbers } = run;
  const decoder = new FakeDecoder(model, probabilities.length, sentences, samples);
  const prompts = Array.from({ length: sentences }, () => prompt);
  const task = { prompts, samples, maxTokens, banned, numbers, eosTokenIds: [eos] };
  const sampler = new Sampler(decoder, task, resolveSampling(options));
  const steps: SampledToken[][] = [];
  for (let drawn = await sampler.next(); drawn.length > 0; drawn = await sampler.next()) steps.push(drawn);
  return { steps, decoder };
}

/** How often each id comes first in many texts. */
async function shares(options: SamplingOptions, banned = [1]): Promise<number[]> {
  const samples = 10_000;
  const { steps } = await sample(fixed, { seed: 3, ...options }, { samples, maxTokens: 1, banned });
  const counts = new Array<number>(probabilities.length).fill(0);
  for (const { token } of steps[0]!) counts[token]!++;
  return counts.map((count) => count / samples);
}

function expectShares(found: number[], expected: number[]): void {
  const total = expected.reduce((sum, value) => sum + value, 0);
  found.forEach((share, id) => expect(Math.abs(share - expected[id]! / total)).toBeLessThan(0.015));
}

test('draws by the probabilities of what is not banned', async () => {
  const found = await shares({});
  expectShares(found, [0.05, 0, 0.04, 0.5, 0.25, 0.15]);
  expect(found[1]).toBe(0);
});

test('temperature flattens or sharpens', async () => {
  expectShares(
    await shares({ temperature: 2 }, []),
    probabilities.map((value) => value ** 0.5),
  );
  expectShares(
    await shares({ temperature: 0.5 }, []),
    probabilities.map((value) => value ** 2),
  );
});

test('topK draws from the likeliest only', async () => {
  expectShares(await shares({ topK: 2 }), [0, 0, 0, 0.5, 0.25, 0]);
  expectShares(await shares({ topK: 1000 }, []), probabilities);
});

test('topP draws from the fewest tokens that have this share', async () => {
  expectShares(await shares({ topP: 0.49 }, []), [0, 0, 0, 1, 0, 0]);
  expectShares(await shares({ topP: 0.51 }, []), [0, 0, 0, 0.5, 0.25, 0]);
  expectShares(await shares({ topP: 0.9, topK: 3 }, []), [0, 0, 0, 0.5, 0.25, 0.15]);
  expectShares(await shares({ topP: 0.8, topK: 3 }, []), [0, 0, 0, 0.5, 0.25, 0]);
});

test('temperature 0 is greedy', async () => {
  const { steps } = await sample(fixed, { temperature: 0 }, { maxTokens: 3 });
  expect(steps.map(([drawn]) => drawn!.token)).toEqual([3, 3, 3]);
});

test('minP draws no tokens that are much less likely than the likeliest one', async () => {
  expectShares(await shares({ minP: 0.29 }), [0, 0, 0, 0.5, 0.25, 0.15]);
  expectShares(await shares({ minP: 0.31 }), [0, 0, 0, 0.5, 0.25, 0]);
  expectShares(await shares({ minP: 0.31, temperature: 2 }, []), [0.05, 0, 0, 0.5, 0.25, 0.15].map(Math.sqrt));
});

test('the repetition penalty counts the prompt and what was drawn, each token once', async () => {
  const { steps, decoder } = await sample(
    fixed,
    { temperature: 0, repetitionPenalty: 5 },
    { maxTokens: 4, prompt: [4, 5, 5] },
  );
  // After the first step every one of 3, 4, 5 is penalised: ln 0.5 * 5 is below ln 0.05.
  expect(steps.map(([drawn]) => drawn!.token)).toEqual([3, 0, 2]); // 2 is the eos
  expect(decoder.draws.map(({ seen }) => [...seen].sort())).toEqual([
    [4, 5],
    [3, 4, 5],
    [0, 3, 4, 5],
  ]);
});

test('logarithms are those of the model, whatever the temperature', async () => {
  const { steps } = await sample(fixed, { temperature: 3, seed: 1 }, { samples: 50, maxTokens: 1 });
  for (const { token, logProbability } of steps[0]!)
    expect(logProbability).toBe(Math.fround(Math.log(probabilities[token]!)));
});

test('a seed gives the same texts again, and another one others', async () => {
  const texts = async (seed?: number) =>
    (await sample(fixed, seed === undefined ? {} : { seed }, { samples: 20 })).steps;
  expect(await texts(5)).toEqual(await texts(5));
  expect(await texts(5)).not.toEqual(await texts(6));
  expect(await texts()).not.toEqual(await texts());
});

test('what a sentence gets depends on its number, not on the others in its batch', async () => {
  const of = (steps: SampledToken[][], sentence: number) =>
    steps.map((drawn) => drawn.filter((token) => token.sentence === sentence).map(({ token }) => token));
  const together = await sample(fixed, { seed: 9 }, { sentences: 3, numbers: [7, 8, 9] });
  const alone = await sample(fixed, { seed: 9 }, { numbers: [8] });
  expect(of(alone.steps, 0).flat()).toEqual(of(together.steps, 1).flat());
});

test('texts end with eos, and sentences leave the batch', async () => {
  const lengths = [1, 4, 2];
  const model: FakeModel = (sentence, read) =>
    probabilities.map((_, id) => (id === (read.length > lengths[sentence]! ? eos : 3) ? 0 : -Infinity));
  const { steps, decoder } = await sample(model, {}, { sentences: 3, samples: 2, maxTokens: 10 });
  expect(decoder.draws.map(({ tokens }) => tokens.length)).toEqual([6, 6, 4, 2, 2]);
  expect(steps.map((drawn) => drawn.length)).toEqual([6, 6, 4, 2, 2]);
  expect(steps.at(-1)!.every(({ sentence, token }) => sentence === 1 && token === eos)).toBe(true);
});

test('a prompt of many tokens is read at once', async () => {
  const { decoder } = await sample(fixed, {}, { prompt: [3, 4, 5], samples: 2, maxTokens: 2 });
  expect([...decoder.draws[0]!.tokens]).toEqual([3, 4, 5, 3, 4, 5]);
  expect(decoder.draws[1]!.tokens).toHaveLength(2);
});

test('a model that gives no numbers is an error', async () => {
  await expect(sample(() => probabilities.map(() => NaN), {})).rejects.toMatchObject({ code: 'ERR_NON_FINITE' });
});

test.each<SamplingOptions>([
  { temperature: -1 },
  { temperature: Infinity },
  { topK: 0 },
  { topK: 1.5 },
  { topP: 0 },
  { topP: 1.1 },
  { topP: NaN },
  { minP: -0.1 },
  { minP: 1.5 },
  { repetitionPenalty: 0 },
  { repetitionPenalty: Infinity },
  { seed: -1 },
  { seed: 0.5 },
])('%j is refused', (options) => {
  expect(() => resolveSampling(options)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }) as Error);
});

test('random numbers are even, and unlike for neighbouring beginnings', () => {
  const numbers = Array.from({ length: 1000 }, (_, index) => randomNumbers(1, index)());
  expect(new Set(numbers).size).toBe(1000);
  expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...numbers)).toBeLessThan(1);
  expect(numbers.reduce((sum, value) => sum + value, 0) / 1000).toBeCloseTo(0.5, 1);
  expect(randomNumbers(2 ** 40)()).not.toBe(randomNumbers(0)());
});
