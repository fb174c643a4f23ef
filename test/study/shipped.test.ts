import { modelCost, translationModelConfig } from '../../lib/delight';
import { readStudy, shippedStudies, type AnyStudyConfig, type TranslationStudyConfig } from '../../lib/study';
import { studyModels, trainSectionOf } from '../../lib/study/models/models';

const withModels = (study: AnyStudyConfig) => study as Extract<AnyStudyConfig, { task: string }>;

test('all shipped studies are sound', () => {
  expect(shippedStudies()).toEqual(
    expect.arrayContaining([
      'translate-demo',
      'descriptions-en-de',
      'sotu-lm',
      'recipes/wmt14-en-de',
      'recipes/wmt14-en-fr',
      'recipes/wmt16-en-ro',
      'recipes/iwslt14-de-en',
      'recipes/wiki103',
    ]),
  );
  for (const name of shippedStudies()) expect(() => readStudy(name)).not.toThrow();
});

/** The rate that a study trains its DeLighT with. */
function rateOf(recipe: string, architecture: string): number {
  const study = withModels(readStudy(`recipes/${recipe}`, [`models.DeLighT.architecture=${architecture}`]));
  const model = studyModels<{ hiddenSize: number }>(study.models).find(({ title }) => title === 'DeLighT')!;
  return trainSectionOf({ learningRates: study.learningRates, train: study.train }, model).learningRate;
}

test.each([
  ['wmt14-en-de', 'delight-wmt14-en-de-640', 0.003],
  ['wmt14-en-de', 'delight-wmt14-en-de-512', 0.004],
  ['wmt14-en-de', 'delight-wmt14-en-de-384', 0.005],
  ['wmt14-en-de', 'delight-wmt14-en-de-128', 0.01],
  ['wmt14-en-fr', 'delight-wmt14-en-fr-512', 0.004],
  ['wmt16-en-ro', 'delight-wmt16-en-ro-384', 0.0009],
  ['wmt16-en-ro', 'delight-wmt16-en-ro-128', 0.0028],
  ['wiki103', 'delight-wiki103-1024', 0.002],
])('the recipe %s trains %s at its rate', (recipe, architecture, rate) => {
  expect(rateOf(recipe, architecture)).toBe(rate);
});

test.each([
  ['wmt14-en-de', 30_000, 524_288, { type: 'cosine', warmupUpdates: 10_000, periodUpdates: 20_000 }, 0.4],
  ['wmt14-en-fr', 50_000, 524_288, { type: 'cosine', warmupUpdates: 10_000, periodUpdates: 70_000 }, 0.9],
  ['wmt16-en-ro', 100_000, 32_768, { type: 'linear', warmupUpdates: 10_000, totalUpdates: 100_000 }, 1],
])('the recipe %s has the published training', (recipe, maxSteps, updateTokens, schedule, lengthPenalty) => {
  const { train, decode, models } = readStudy(`recipes/${recipe}`) as TranslationStudyConfig;
  expect(train).toMatchObject({
    maxSteps,
    maxTokens: 4096,
    updateTokens,
    optimizer: 'fairseq-adam',
    beta1: 0.9,
    beta2: 0.98,
    epsilon: 1e-8,
    weightDecay: 0,
    maxGradNorm: null,
    schedule: { ...schedule, warmupInitLr: 1e-7, minLr: 1e-7 },
  });
  expect(decode).toMatchObject({ beams: 5, lengthPenalty });
  expect(models.DeLighT).toMatchObject({ labelSmoothing: 0.1, shareEmbeddings: true, normalizeBefore: false });
});

test('the headline study compares models of like size', () => {
  const { models } = readStudy('descriptions-en-de') as TranslationStudyConfig;
  const [transformer, delight] = Object.values(models).map(
    (model) =>
      modelCost(translationModelConfig({ ...model, sourceVocabSize: 8000, targetVocabSize: 8000 })).total.parameters,
  );
  expect(delight! / transformer!).toBeLessThanOrEqual(1);
});
