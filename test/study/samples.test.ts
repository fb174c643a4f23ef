/** Texts that models write while they are trained: there they are, and nothing else is changed by them. */
import fs from 'node:fs';
import path from 'node:path';

import { readHistory, recordsOf } from '../../lib/metrics';
import { trainStudy, type AnyStudyInput, type LanguageModelStudyInput } from '../../lib/study';
import { temporaryFolder } from '../train/tokens';
import { smallTranslationStudy, writePairs } from './pairs';
import { smallStudy, writeCorpus } from './small';

jest.setTimeout(60_000);
let folder: string;
let corpus: string;
beforeAll(() => {
  folder = temporaryFolder();
  corpus = writeCorpus(folder);
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

const train = { maxSteps: 8, evalEvery: 4, learningRate: 1e-2 };

function languageStudy(): LanguageModelStudyInput {
  return {
    task: 'language-model',
    name: 'small-lm',
    data: { corpus, tokenizer: 'bytes', validation: 0.2, blockSize: 32 },
    models: {
      Transformer: { type: 'transformer', hiddenSize: 16, decoder: { layers: 1, heads: 2, ffnSize: 32 }, dropout: 0.3 },
    },
    train: { ...train, batchSize: 4 },
  };
}
const translationStudy = () => {
  const study = smallTranslationStudy(writePairs(folder), folder);
  return { ...study, train: { ...study.train, ...train } };
};
const residualStudy = () => ({ ...smallStudy(corpus, folder), train: { ...train, batchSize: 4 } });

/** Everything that a training comes to: losses, and the weights as bytes. */
async function trained(study: AnyStudyInput, name: string, samples: AnyStudyInput['samples']) {
  const out = path.join(folder, name);
  await trainStudy({ ...study, samples }, { out, cacheDir: path.join(folder, 'cache') });
  const records = await readHistory(out);
  return {
    losses: recordsOf(records, 'step').map(({ loss, gradNorm }) => [loss, gradNorm]),
    evaluations: recordsOf(records, 'evaluation').map(({ metrics }) => metrics.eval_loss),
    weights: fs.readFileSync(path.join(out, 'latest', 'model.safetensors')),
    samples: recordsOf(records, 'sample'),
  };
}

test.each([
  ['residual', residualStudy],
  ['language-model', languageStudy],
  ['translation', translationStudy],
] as const)('a %s study learns the same with and without them', async (kind, study) => {
  const without = await trained(study(), `${kind}-without`, { count: 0 });
  const shown = await trained(study(), `${kind}-with`, { count: 3, tokens: 5 });
  expect(without.samples).toEqual([]);
  expect(shown.samples.map(({ step }) => step)).toEqual([4, 8]);
  const [first, second] = shown.samples.map(({ samples }) => samples);
  expect(first).toHaveLength(3);
  expect(new Set(first!.map(({ source }) => source)).size).toBe(3);
  expect(second!.map(({ source }) => source)).toEqual(first!.map(({ source }) => source));
  for (const { source, reference, text } of [...first!, ...second!]) {
    expect(source).not.toBe('');
    expect(reference).not.toBe('');
    // A word of five pieces at most, or five bytes.
    expect(Array.from(text).length).toBeLessThanOrEqual(kind === 'translation' ? 60 : 5);
  }
  expect(shown.losses).toEqual(without.losses);
  expect(shown.evaluations).toEqual(without.evaluations);
  expect(shown.weights.equals(without.weights)).toBe(true);
});
