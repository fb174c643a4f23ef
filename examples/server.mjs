/**
 * A model behind HTTP: text is sent as it is generated, and generating stops when the client goes away. After `npm run build`:
 *
 *     node examples/server.mjs runs/example 8080
 *     curl -N localhost:8080/generate -H 'content-type: application/json' -d '{"prompt": "Call me", "maxNewTokens": 100}'
 *
 * Fastify is the choice of this example; torchwright needs no web framework. More on all of this: docs/server.md.
 */
import { Readable } from 'node:stream';

import Fastify from 'fastify';
import { ResidualLlama, torch } from 'torchwright';

const [folder = 'runs/example', port = '8080'] = process.argv.slice(2);

// One model for all requests. They take turns, a token each, on one compute thread; the event loop stays free.
const model = await ResidualLlama.load(folder);
const mostAtOnce = 8;
let generating = 0;

const app = Fastify({ bodyLimit: 64 * 1024 });

const body = {
  type: 'object',
  required: ['prompt'],
  additionalProperties: false,
  properties: {
    prompt: { type: 'string', minLength: 1 },
    maxNewTokens: { type: 'integer', minimum: 1, maximum: 10_000, default: 200 },
    temperature: { type: 'number', minimum: 0, maximum: 2 },
    topP: { type: 'number', exclusiveMinimum: 0, maximum: 1 },
    seed: { type: 'integer', minimum: 0 },
    stop: { type: 'array', items: { type: 'string', minLength: 1 }, maxItems: 4 },
  },
};

app.post('/generate', { schema: { body } }, async (request, reply) => {
  if (generating >= mostAtOnce) return reply.code(503).header('retry-after', '1').send({ error: 'busy' });
  const { prompt, ...options } = request.body;
  const gone = new AbortController();
  const pieces = model.generate(prompt, { ...options, signal: gone.signal });
  generating++;
  // Everything is sent, or the client has hung up: either way the caches are freed.
  reply.raw.once('close', async () => {
    gone.abort();
    await pieces.return();
    generating--;
  });
  const first = await pieces.next(); // a bad request is told here, while there is still a status to send
  // A connection that is not kept alive lets the server end with its last text.
  reply.headers({ 'content-type': 'text/event-stream', 'cache-control': 'no-cache', connection: 'close' });
  return reply.send(Readable.from(events(first, pieces)));
});

/** Pieces as server-sent events: `data: {"text": ...}`, and at the end `data: {"finishReason": ...}`. */
async function* events(first, pieces) {
  const event = (data) => `data: ${JSON.stringify(data)}\n\n`;
  try {
    for (let next = first; !next.done; next = await pieces.next()) {
      const { text, finishReason } = next.value;
      if (text !== '') yield event({ text });
      if (finishReason !== undefined) yield event({ finishReason });
    }
  } catch (error) {
    if (error.code !== 'ERR_ABORTED') yield event({ error: error.message }); // the status is sent already
  }
}

app.get('/health', () => ({ generating, memory: torch.memory() }));

/** A caller's mistake is told; anything else is ours. */
app.setErrorHandler((error, request, reply) => {
  const status = ['ERR_ARGUMENT', 'ERR_DATA'].includes(error.code) ? 400 : (error.statusCode ?? 500);
  if (status >= 500 && error.code !== 'ERR_ABORTED') console.error(error);
  return reply.code(status).send({ error: status < 500 ? error.message : 'something went wrong here' });
});

// Ctrl-C: no new requests; those that run are finished; then the model is freed.
for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => app.close().then(() => model.dispose()));

console.log(`listening on ${await app.listen({ port: Number(port) })}`);
