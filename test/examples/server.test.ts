/** The example server, used by clients that stay, leave early, come together and ask for nonsense. */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { ResidualLlama, prepareData, torch, type Memory } from '../../lib';
import { writeCorpus } from '../study/small';
import { temporaryFolder } from '../train/tokens';
import { startExample, type RunningExample } from './run-example';

let folder: string;
let server: RunningExample;
let url: string;

beforeAll(async () => {
  folder = temporaryFolder();
  const { tokenizer, vocabSize } = await prepareData(
    { corpus: writeCorpus(folder), tokenizer: 'bytes', blockSize: 32 },
    { cacheDir: path.join(folder, 'cache') },
  );
  torch.manualSeed(1);
  using model = ResidualLlama.create({
    vocabSize,
    hiddenSize: 64,
    numHiddenLayers: 4,
    numAttentionHeads: 4,
    residual: '4.2',
  });
  model.tokenizer = tokenizer;
  await model.save(path.join(folder, 'model'));
  const place = { cacheDir: path.join(folder, 'cache'), cwd: folder };
  server = await startExample('server.mjs', ['model', '0'], place, /listening on (\S+)\n/);
  url = server.match[1]!;
}, 120_000);
afterAll(async () => {
  server.child.kill('SIGKILL');
  await server.ended;
  fs.rmSync(folder, { recursive: true });
});

interface Health {
  generating: number;
  memory: Memory;
  /** Resident bytes of the server. */
  resident: number;
}

const health = async () => {
  const status = fs.readFileSync(`/proc/${server.child.pid}/status`, 'utf8');
  const resident = Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) * 1024;
  return { ...((await (await fetch(`${url}/health`)).json()) as Omit<Health, 'resident'>), resident };
};

const post = (body: object, signal?: AbortSignal) =>
  fetch(`${url}/generate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: signal ?? null,
  });

interface Event {
  text?: string;
  finishReason?: string;
  error?: string;
}

/** The events of an answer, as they come. */
async function* eventsOf(response: Response): AsyncGenerator<Event> {
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const whole = text.split('\n\n');
    text = whole.pop()!;
    for (const each of whole) yield JSON.parse(each.replace(/^data: /, '')) as Event;
  }
}

async function textOf(response: Response): Promise<string> {
  let text = '';
  for await (const event of eventsOf(response)) text += event.text ?? '';
  return text;
}

/** Begins a text that would go on for thousands of tokens, and hangs up after the first pieces. */
async function hangUp(): Promise<void> {
  const leaving = new AbortController();
  const response = await post({ prompt: 'The '.repeat(500), maxNewTokens: 10_000, seed: 1 }, leaving.signal);
  let pieces = 0;
  for await (const _ of eventsOf(response)) if (++pieces === 3) break;
  leaving.abort();
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await condition()) return;
    await sleep(20);
  }
  throw new Error('it did not come to that in time');
}
const idle = async () => (await health()).generating === 0;

test('streams a text in pieces, and says why it ended', async () => {
  const response = await post({ prompt: 'The ', maxNewTokens: 50, seed: 1 });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
  const events = [];
  for await (const event of eventsOf(response)) events.push(event);
  expect(events.length).toBeGreaterThan(10);
  expect(events.at(-1)).toMatchObject({ finishReason: expect.stringMatching(/^(length|eos)$/) });
  expect(await textOf(await post({ prompt: 'The ', maxNewTokens: 50, seed: 1 }))).toBe(
    events.map(({ text = '' }) => text).join(''),
  );
  await until(idle);
}, 60_000);

test('stops when the client goes, and keeps nothing of it', async () => {
  const before = await health();
  await hangUp();
  await until(idle);
  expect((await health()).memory).toEqual(before.memory);

  // A token's caches are 3.6 kB in this model, and room is made for 3,000 tokens: kept, these would be 270 MB.
  for (let client = 0; client < 25; client++) await hangUp();
  await until(idle);
  expect((await health()).memory).toEqual(before.memory);
  expect((await health()).resident - before.resident).toBeLessThan(160 * 2 ** 20);
  expect(await textOf(await post({ prompt: 'The ', maxNewTokens: 10 }))).not.toBe('');
}, 120_000);

test('answers others while texts are made, which take turns', async () => {
  const leaving = new AbortController();
  const long = await post({ prompt: 'The ', maxNewTokens: 10_000 }, leaving.signal);
  const pieces = eventsOf(long);
  await pieces.next();

  const waits: number[] = [];
  for (let asked = 0; asked < 20; asked++) {
    const start = performance.now();
    expect((await health()).generating).toBe(1);
    waits.push(performance.now() - start);
  }
  expect(waits.sort((a, b) => a - b)[10]).toBeLessThan(100);
  // A short text is done long before the long one.
  expect(await textOf(await post({ prompt: 'A ', maxNewTokens: 20 }))).not.toBe('');
  expect((await health()).generating).toBe(1);

  // What a text is does not depend on who else is served.
  const alone = await textOf(await post({ prompt: 'A ', maxNewTokens: 30, seed: 7 }));
  const together = await Promise.all(
    [7, 8, 7].map((seed) => post({ prompt: 'A ', maxNewTokens: 30, seed }).then(textOf)),
  );
  expect(together[0]).toBe(alone);
  expect(together[2]).toBe(alone);
  expect(together[1]).not.toBe(alone);
  leaving.abort();
  await pieces.return(undefined).catch(() => undefined);
  await until(idle);
}, 60_000);

test('refuses more than it can serve at once', async () => {
  const leaving = new AbortController();
  const eight = await Promise.all(
    Array.from({ length: 8 }, () => post({ prompt: 'The ', maxNewTokens: 10_000 }, leaving.signal)),
  );
  expect(eight.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
  const ninth = await post({ prompt: 'The ' });
  expect(ninth.status).toBe(503);
  expect(ninth.headers.get('retry-after')).toBe('1');
  leaving.abort();
  await until(idle);
  expect((await post({ prompt: 'The ', maxNewTokens: 1 })).status).toBe(200);
}, 60_000);

test.each<[name: string, body: object, word: string, status?: number]>([
  ['no prompt', {}, 'prompt'],
  ['a number for a prompt', { prompt: { text: 'x' } }, 'prompt'],
  ['an unknown temperature', { prompt: 'x', temperature: 9 }, 'temperature'],
  ['a seed that is no exact number', { prompt: 'x', seed: 2 ** 60 }, 'seed'],
  ['a body as long as a book', { prompt: 'x'.repeat(100_000) }, 'large', 413],
])('tells a bad request: %s', async (_, body, word, status = 400) => {
  const response = await post(body);
  expect(response.status).toBe(status);
  expect(((await response.json()) as { error: string }).error).toContain(word);
  await until(idle);
});

test('ends in good order: with the texts that are begun, and nothing on the standard error', async () => {
  const text = post({ prompt: 'The ', maxNewTokens: 1000 }).then(textOf);
  await until(async () => (await health()).generating === 1);
  server.child.kill('SIGTERM');
  expect(await text).not.toBe('');
  expect(await server.ended).toMatchObject({ code: 0, stderr: '' });
}, 60_000);
