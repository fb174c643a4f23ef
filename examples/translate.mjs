/**
 * Trains a small DeLighT to translate, and translates some lines of the test set. After `npm run build`:
 *
 *     node examples/translate.mjs                              English to Spanish, the Bible: a few minutes
 *     node examples/translate.mjs pairs.tsv 200                another text (source, tab, target), fewer steps
 *
 * `npx torchwright compare translate-demo` does the same with a Transformer beside it, and reports.
 */
import { DelightTransformer, Trainer, Translator, corpusBleu, corpusChrf, preparePairs, torch } from 'torchwright';

const [corpus = 'bible-en-es', steps = '600'] = process.argv.slice(2);
const data = await preparePairs({
  corpus,
  sourceLanguage: 'en',
  targetLanguage: 'es',
  vocabulary: { bpe: corpus === 'bible-en-es' ? 4000 : 300 },
  maxLength: 60,
  validation: 0.02,
  test: 0.02,
});
console.log(data.description);

torch.manualSeed(1);
const model = DelightTransformer.create({
  type: 'delight',
  hiddenSize: 128,
  encoder: { minDepth: 4, maxDepth: 5, blocks: 3 },
  sourceVocabSize: data.sourceVocabSize,
  targetVocabSize: data.targetVocabSize,
  shareEmbeddings: true,
});
const trainer = new Trainer(model, {
  data,
  maxSteps: Number(steps),
  maxTokens: 2048,
  learningRate: 3e-3,
  schedule: { type: 'inverse-sqrt', warmupUpdates: Math.ceil(Number(steps) / 5) },
  optimizer: 'fairseq-adam',
  beta2: 0.98,
  evalEvery: Math.ceil(Number(steps) / 4),
  seed: 1,
});
for await (const event of trainer) {
  if (event.type === 'evaluation')
    console.log(`step ${event.step}: perplexity ${event.metrics.eval_perplexity.toFixed(2)} on the validation set`);
}

// The test set, by beam search; the first translations, then the scores of all.
const translator = new Translator(model, { source: data.sourceTokenizer, target: data.targetTokenizer });
const translations = [];
for await (const { source, text } of translator.translate(data.testText.source, { beams: 4, maxLengthB: 60 })) {
  if (translations.length < 5) console.log(`${source}\n  => ${text}`);
  translations.push(text);
}
const { score: bleu } = corpusBleu(translations, data.testText.target);
const { score: chrf } = corpusChrf(translations, data.testText.target);
console.log(`${translations.length} sentences: BLEU ${bleu.toFixed(2)}, chrF ${chrf.toFixed(2)}`);
translator.dispose();
