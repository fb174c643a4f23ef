/**
 * Trains a small decoder on a stream of texts, and goes on where it was stopped, to the text. After `npm run build`:
 *
 *     node examples/stream.mjs runs/stream shards/        JSONL shards with a column "text": 60 steps
 *     node examples/stream.mjs runs/stream shards/ 25     stops after 25 steps; called again, goes on with the 26th
 */
import { ResidualLlama, Trainer, loadTokenizer, streams, torch } from 'torchwright';

const [out = 'runs/stream', shards, stopAfter = '60'] = process.argv.slice(2);
if (shards === undefined) {
  console.error('usage: node examples/stream.mjs OUT SHARDS [STEPS]');
  process.exit(2);
}

// Nothing is read before it is wanted. Texts are shuffled in a buffer of 1000, and packed into blocks without padding.
const tokenizer = await loadTokenizer('bytes');
const texts = streams
  .jsonl(shards, { onDamage: 'skip', shuffleFiles: 1 })
  .map(({ text }) => text)
  .shuffle({ buffer: 1000, seed: 1 })
  .repeat();
const train = streams.tokenize(texts, tokenizer).pack({ blockSize: 64, endToken: 0 });

torch.manualSeed(1);
const sizes = { hiddenSize: 64, numHiddenLayers: 2, numAttentionHeads: 4 };
const model = ResidualLlama.create({ vocabSize: tokenizer.vocabSize, ...sizes, residual: '3.2' });
model.tokenizer = tokenizer;
const config = { maxSteps: 60, batchSize: 8, learningRate: 3e-3, schedule: 'cosine', saveEvery: 20, evalEvery: 60 };
const trainer = new Trainer(model, { data: { train }, ...config, out, resume: 'if-there' });

for await (const event of trainer) {
  if (event.type === 'start' && event.step > 0) console.log(`goes on after step ${event.step}`);
  if (event.type === 'warning') console.log(event.message);
  if (event.type === 'step' && event.step % 5 === 0) console.log(`step ${event.step}: loss ${event.loss.toFixed(4)}`);
  if (event.type === 'step' && event.step === Number(stopAfter)) await trainer.stop();
  if (event.type === 'end') console.log(`${event.reason} after step ${event.step}; the model is in ${out}/latest`);
}
