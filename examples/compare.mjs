/**
 * Trains a plain decoder and Method 3.2 on the same text in the same order, and compares them. After `npm run build`:
 *
 *     node examples/compare.mjs                   Moby-Dick, 200 steps: about a minute
 *     node examples/compare.mjs my.txt 50         another text, fewer steps
 *
 * `npx torchwright compare demo` does the same with all variants, and reports.
 */
import { ResidualLlama, Trainer, prepareData, torch } from 'torchwright';

const [corpus = 'moby-dick', steps = '200'] = process.argv.slice(2);
const data = await prepareData({ corpus, blockSize: 64 });
console.log(data.description);

for (const residual of ['baseline', '3.2']) {
  torch.manualSeed(1); // the same initial weights, as far as the two have them in common
  const model = ResidualLlama.create({
    vocabSize: data.vocabSize,
    hiddenSize: 64,
    numHiddenLayers: 3,
    numAttentionHeads: 4,
    numKeyValueHeads: 2,
    residual,
  });
  model.tokenizer = data.tokenizer;
  const trainer = new Trainer(model, {
    data,
    maxSteps: Number(steps),
    learningRate: 3e-3,
    schedule: 'cosine',
    seed: 1, // the same batches
  });
  for await (const event of trainer) {
    if (event.type === 'evaluation') {
      const { eval_loss: loss, eval_accuracy: accuracy } = event.metrics;
      console.log(`${residual}: step ${event.step}, loss ${loss.toFixed(4)}, accuracy ${accuracy.toFixed(4)}`);
    }
  }

  // What it makes of a beginning, one most likely byte after the other.
  let text = 'The ';
  for await (const piece of model.generate(text, { maxNewTokens: 20, temperature: 0 })) text += piece.text;
  console.log(`${residual}: ${JSON.stringify(text)}`);
  model.dispose();
}
