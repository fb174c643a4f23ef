import fs from 'node:fs';
import path from 'node:path';

import {
  comparisonText,
  evaluateRun,
  runStudy,
  trainStudy,
  type LanguageModelComparison,
  type LanguageModelStudyInput,
} from '../../../lib/study';
import { temporaryFolder } from '../../train/tokens';
import { writeCorpus } from '../small';

let folder: string;
let cacheDir: string;
let study: LanguageModelStudyInput;

beforeAll(() => {
  folder = temporaryFolder();
  cacheDir = path.join(folder, 'cache');
  study = {
    task: 'language-model',
    name: 'small-lm',
    seed: 5,
    data: { corpus: writeCorpus(folder), validation: 0.2, blockSize: 32 },
    models: {
      Transformer: { type: 'transformer', hiddenSize: 32, decoder: { layers: 1, heads: 2, ffnSize: 64 } },
      DeLighT: {
        type: 'delight',
        hiddenSize: 32,
        embeddingSize: 16,
        decoder: { minDepth: 2, maxDepth: 3, blocks: 2, widthMultiplier: 2, maxGroups: 2 },
      },
    },
    train: { maxSteps: 12, batchSize: 4, learningRate: 1e-2, evalEvery: 6, loadBestModelAtEnd: true },
    contextWindow: 24,
    output: path.join(folder, 'runs'),
  };
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

const refusedWith = (code: string, message: RegExp): Error =>
  expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error;

describe('a comparison', () => {
  let result: LanguageModelComparison;
  beforeAll(async () => {
    result = await runStudy(study, { cacheDir });
  });

  test('has perplexities by blocks and with context, related to the first model', () => {
    const [first, second] = result.rows;
    expect(result.rows.map(({ title }) => title)).toEqual(['Transformer', 'DeLighT']);
    expect(first).toMatchObject({ parametersRatio: 1, perplexityDifference: 0, contextPerplexityDifference: 0 });
    expect(second!.contextPerplexityDifference).toBe(second!.contextPerplexity! - first!.contextPerplexity!);
    // A byte of these sentences is one of some 30, and both have learned something.
    for (const { perplexity, contextPerplexity } of result.rows) {
      expect(perplexity).toBeLessThan(60);
      expect(contextPerplexity).toBeLessThan(60);
    }
    expect(comparisonText(result)).toMatch(/^Model +Parameters +MACs +Perplexity +\+\/- +With context/);
    expect(comparisonText(result)).toMatch(/with the 24 to 31 tokens before it/);
  });

  test('writes the table three times', () => {
    expect(JSON.parse(fs.readFileSync(path.join(result.folder, 'comparison.json'), 'utf8'))).toEqual(result);
    expect(fs.existsSync(path.join(result.folder, 'comparison.md'))).toBe(true);
    expect(fs.readFileSync(path.join(result.folder, 'comparison.csv'), 'utf8').split('\n')).toHaveLength(4);
  });

  test('evaluating a run anew gives its numbers again', async () => {
    const { title, split, metrics } = await evaluateRun(path.join(result.folder, 'delight'), { cacheDir });
    expect([title, split]).toEqual(['DeLighT', 'eval']);
    expect(metrics.eval_perplexity).toBe(result.rows[1]!.perplexity);
    expect(metrics.eval_context_perplexity).toBe(result.rows[1]!.contextPerplexity);
  });
});

test('train takes the model that is named, and averages where it is asked to', async () => {
  const out = path.join(folder, 'averaged');
  const train = { ...study.train, averageLast: 2 };
  const result = await trainStudy({ ...study, train }, { cacheDir, out, model: 'DeLighT' });
  const { model, metrics } = await evaluateRun(out, { cacheDir });
  expect(model).toBe(path.join(out, 'averaged'));
  expect(metrics.eval_perplexity).toBe(result.scores.eval_perplexity);
});

test.each<[string, (study: LanguageModelStudyInput) => LanguageModelStudyInput, RegExp]>([
  [
    'a window as long as the blocks',
    (given) => ({ ...given, contextWindow: 32 }),
    /contextWindow 32 must be less than/,
  ],
  [
    'blocks longer than the positions',
    (given) => ({ ...given, models: { Short: { ...given.models.Transformer!, maxPositionEmbeddings: 16 } } }),
    /models\.Short\.maxPositionEmbeddings 16 is less than the blocks' 32 tokens/,
  ],
  [
    'a vocabulary too small',
    (given) => ({ ...given, models: { Small: { ...given.models.Transformer!, vocabSize: 100 } } }),
    /models\.Small\.vocabSize 100 is too small/,
  ],
])('%s is refused before a folder is made', async (_name, change, message) => {
  const out = path.join(folder, 'refused');
  await expect(runStudy(change(study), { cacheDir, out })).rejects.toThrow(refusedWith('ERR_CONFIG', message));
  expect(fs.existsSync(out)).toBe(false);
});
