/**
 * Trains a plain decoder and Method 3.2 on the same text in the same order, and compares them. After `npm run build`:
 *
 *     node examples/compare-two-variants.mjs                   Moby-Dick, 200 steps: about a minute
 *     node examples/compare-two-variants.mjs my.txt 50         another text, fewer steps
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
  const trainer = new Trainer(model, {
    data,
    maxSteps: Number(steps),
    learningRate: 3e-3,
    schedule: 'cosine',
    seed: 1,
  });
  for await (const event of trainer) {
    if (event.type === 'evaluation') {
      const { eval_loss: loss, eval_accuracy: accuracy } = event.metrics;
      console.log(`${residual}: step ${event.step}, loss ${loss.toFixed(4)}, accuracy ${accuracy.toFixed(4)}`);
    }
  }

  // What it makes of a beginning, one most likely byte after the other.
  const ids = await data.tokenizer.encode('The ');
  for (let i = 0; i < 20; i++) {
    const next = torch.scope(() =>
      torch.noGrad(() => {
        const logits = model.forward(torch.tensor([ids], { dtype: 'int64' })); // [1, time, vocabSize]
        return logits.select(0, 0).select(0, -1).argmax().item();
      }),
    );
    ids.push(next);
  }
  console.log(`${residual}: ${JSON.stringify(await data.tokenizer.decode(ids))}`);
  model.dispose();
}
