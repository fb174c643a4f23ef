/**
 * Goes on with a text, printed as it grows. After `npm run build`:
 *
 *     node examples/generate.mjs runs/example                          a model of train.mjs, of `torchwright train`, or a Llama
 *     node examples/generate.mjs runs/example 'Call me' 200 0.7        prompt, new tokens, temperature
 *     node examples/generate.mjs                                       trains a tiny model on its own source first: some seconds
 *
 * `npx torchwright generate FOLDER PROMPT` does the same on the command line.
 */
import { fileURLToPath } from 'node:url';

import { ResidualLlama, Trainer, prepareData, torch } from 'torchwright';

const [folder, prompt = 'const ', maxNewTokens = '100', temperature = '0.8'] = process.argv.slice(2);
const model = folder === undefined ? await trainTiny() : await ResidualLlama.load(folder);

// Ctrl-C ends the text, not the program.
const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort());

let tokens = 0;
const start = performance.now();
process.stdout.write(prompt);
try {
  for await (const piece of model.generate(prompt, {
    maxNewTokens: Number(maxNewTokens),
    temperature: Number(temperature), // 0 takes the likeliest token each time
    topP: 0.95,
    seed: 1, // the same seed gives the same text
    signal: interrupt.signal,
  })) {
    process.stdout.write(piece.text);
    tokens++;
  }
} catch (error) {
  if (error.code !== 'ERR_ABORTED') throw error;
}
const seconds = (performance.now() - start) / 1000;
console.error(`\n${tokens} tokens, ${Math.round(tokens / seconds)} a second`);

/** A byte-level model that knows nothing but this file, half by heart. */
async function trainTiny() {
  const data = await prepareData({ corpus: fileURLToPath(import.meta.url), tokenizer: 'bytes', blockSize: 64 });
  torch.manualSeed(1);
  const model = ResidualLlama.create({
    vocabSize: data.vocabSize,
    hiddenSize: 64,
    numHiddenLayers: 2,
    numAttentionHeads: 4,
    residual: '3.2',
  });
  model.tokenizer = data.tokenizer;
  const trainer = new Trainer(model, { data, maxSteps: 150, batchSize: 8, learningRate: 5e-3, schedule: 'cosine' });
  for await (const event of trainer) {
    if (event.type === 'evaluation') console.error(`trained ${event.step} steps on this file`);
  }
  return model;
}
