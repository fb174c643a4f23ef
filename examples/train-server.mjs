/**
 * A training inside an ordinary HTTP server, watched and steered while it runs. After `npm run build`:
 *
 *     node examples/train-server.mjs runs/served my.txt 8080
 *     curl localhost:8080/training                                    where it stands
 *     curl -N localhost:8080/training/events                          what happens, as server-sent events
 *     curl -X POST localhost:8080/training/pause                      .../continue, .../checkpoint, .../stop
 *     curl -X PUT localhost:8080/training/learning-rate -H 'content-type: application/json' -d '{"learningRate": 1e-3}'
 *     curl localhost:8080/metrics                                     for Prometheus
 *
 * Steps run on a thread of their own, so that requests are answered meanwhile. Stopped or killed, it goes on from its last checkpoint when
 * it is started again. Fastify is the choice of this example; torchwright needs no web framework. More on all of this: docs/training.md.
 */
import { once } from 'node:events';

import Fastify from 'fastify';
import { PrometheusGauges, ResidualLlama, Trainer, prepareData, torch } from 'torchwright';

const [folder = 'runs/served', corpus = 'moby-dick', port = '8080', steps = '2000'] = process.argv.slice(2);
const data = await prepareData({ corpus, tokenizer: 'bytes', blockSize: 64 });

torch.manualSeed(1); // the initial weights
const sizes = { hiddenSize: 64, numHiddenLayers: 3, numAttentionHeads: 4 };
const model = ResidualLlama.create({ vocabSize: data.vocabSize, ...sizes, residual: '3.2' });
model.tokenizer = data.tokenizer;

const gauges = new PrometheusGauges();
const trainer = new Trainer(model, {
  data,
  maxSteps: Number(steps),
  batchSize: 8,
  learningRate: 3e-3,
  schedule: 'cosine',
  evalEvery: 100,
  out: folder, // checkpoints, metrics.jsonl, ...
  resume: 'if-there',
  observers: [gauges.of('served')],
});

let state = 'training';
let last = null; // the last step
trainer.on('step', ({ step, totalSteps, loss, learningRate, tokensPerSecond, remaining }) => {
  last = { step, totalSteps, loss, learningRate, tokensPerSecond, remaining };
});

const app = Fastify();

app.get('/training', () => ({ state: trainer.isPaused && state === 'training' ? 'paused' : state, ...last }));
app.post('/training/pause', async () => {
  await trainer.pause();
  return { step: trainer.state.globalStep };
});
app.post('/training/continue', () => {
  trainer.continue();
  return { step: trainer.state.globalStep };
});
app.post('/training/checkpoint', async () => ({ folder: await trainer.checkpoint() }));
app.post('/training/stop', async () => {
  const { step, reason, best } = await trainer.stop();
  return { step, reason, best };
});

const learningRate = { type: 'number', minimum: 0 };
const body = { type: 'object', required: ['learningRate'], properties: { learningRate } };
app.put('/training/learning-rate', { schema: { body } }, (request) => {
  trainer.learningRate = request.body.learningRate;
  return { learningRate: trainer.learningRate };
});

// A listener that is not awaited and writes into a socket: a client that is slow, or gone, holds up nothing.
app.get('/training/events', async (request, reply) => {
  reply.hijack();
  const client = reply.raw;
  client.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', connection: 'close' });
  const send = (event) => {
    if (!client.writableNeedDrain) client.write(`data: ${JSON.stringify(event)}\n\n`);
    if (event.type === 'end') client.end();
  };
  trainer.on('event', send);
  if (state !== 'training') client.end();
  await once(client, 'close');
  trainer.off('event', send);
});

app.get('/metrics', (request, reply) => reply.type(gauges.contentType).send(gauges.metrics()));

/** What cannot be done now, such as pausing a training that is over, is told; anything else is ours. */
app.setErrorHandler((error, request, reply) => {
  const status = error.code === 'ERR_ARGUMENT' ? 409 : (error.statusCode ?? 500);
  if (status >= 500) console.error(error);
  return reply.code(status).send({ error: status < 500 ? error.message : 'something went wrong here' });
});

// Ctrl-C: the training is saved and stopped, then the server. Again: at once; what was saved before is whole.
const close = async () => {
  if (state === 'training') await trainer.stop().catch(() => {}); // run() tells what went wrong
  await app.close();
};
for (const name of ['SIGINT', 'SIGTERM']) process.once(name, close);

console.log(`listening on ${await app.listen({ port: Number(port) })}`);
try {
  const { reason, step } = await trainer.run();
  state = reason;
  console.log(`ended after step ${step}: ${reason}`);
} catch (error) {
  state = 'failed';
  console.error(error);
}
