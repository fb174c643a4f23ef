/**
 * Trains a small decoder on a text and keeps it. After `npm run build`:
 *
 *     node examples/train.mjs                           Moby-Dick, 300 steps: about a minute, into runs/example
 *     node examples/train.mjs runs/mine my.txt 50       another folder, another text, fewer steps
 *
 * Ctrl-C stops after the step at hand and keeps the model as it is then.
 */
import { ResidualLlama, Trainer, prepareData, torch } from 'torchwright';

const [folder = 'runs/example', corpus = 'moby-dick', steps = '300'] = process.argv.slice(2);
const data = await prepareData({ corpus, tokenizer: 'bytes', blockSize: 128 });
console.log(data.description);

torch.manualSeed(1); // the initial weights
const model = ResidualLlama.create({
  vocabSize: data.vocabSize,
  hiddenSize: 96,
  numHiddenLayers: 4,
  numAttentionHeads: 4,
  numKeyValueHeads: 2,
  residual: '4.2', // learned weights of the earlier layers' attention
});
model.tokenizer = data.tokenizer; // saved with the model, and what model.generate reads prompts with
const trainer = new Trainer(model, {
  data,
  maxSteps: Number(steps),
  batchSize: 8,
  learningRate: 3e-3,
  schedule: 'cosine',
  warmupRatio: 0.05,
  weightDecay: 0.1,
  evalEvery: 100,
  seed: 1, // the order of the blocks
});

let interrupted = false;
process.once('SIGINT', () => (interrupted = true));

// Each turn of the loop is one training step, made off this thread: a server could answer requests meanwhile.
for await (const event of trainer) {
  if (event.type === 'step') {
    const { step, totalSteps, loss, tokens, seconds } = event;
    const line = `step ${step}/${totalSteps}  loss ${loss.toFixed(3)}  ${Math.round(tokens / seconds)} tokens/s`;
    if (process.stderr.isTTY) process.stderr.write(`\r${line}\x1b[K`);
    if (interrupted) break;
  } else if (event.type === 'evaluation') {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    const { eval_loss: loss, eval_perplexity: perplexity } = event.metrics;
    console.log(`step ${event.step}: validation loss ${loss.toFixed(4)}, perplexity ${perplexity.toFixed(2)} a byte`);
  }
}

await model.save(folder);
console.log(`${trainer.state.globalStep} steps; the model is in ${folder}: node examples/generate.mjs ${folder}`);
