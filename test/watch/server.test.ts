import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { cutHistory } from '../../lib/metrics';
import { watchRuns, type WatchServer } from '../../lib/watch';
import type { RunSummary } from '../../lib/watch/summary';
import type { RunView } from '../../lib/curves';
import { temporaryFolder } from '../train/tokens';
import { append, endRecord, recordsAt, startRecord, stepsBetween, warningRecord, writeRun } from '../curves/sample-run';

let folder: string;
let server: WatchServer | undefined;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  await server?.close();
  fs.rmSync(folder, { recursive: true });
});

const inFolder = (...names: string[]) => path.join(folder, ...names);
async function watch(...folders: string[]): Promise<void> {
  server = await watchRuns(folders, { port: 0 });
}
const get = (address: string) => fetch(new URL(address, server!.url));
const json = async <T>(address: string) => (await (await get(address)).json()) as T;
const stateOf = () => json<{ runs: RunSummary[]; waiting: string[] }>('/api/runs');
const curves = (query: string) => json<RunView>(`/api/curves?${query}`);

/** A request as no browser would make it. */
function raw(target: string, options: http.RequestOptions = {}): Promise<{ status: number; body: string }> {
  const { hostname, port } = new URL(server!.url);
  return new Promise((resolve, reject) => {
    const request = http.request({ hostname, port, path: target, ...options }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode!, body }));
    });
    request.on('error', reject).end();
  });
}

test('a run: where it stands, and its curves', async () => {
  writeRun(inFolder('run'), 250, { title: 'Baseline', totalSteps: 1000 });
  await watch(inFolder('run'));
  const { runs, waiting } = await stateOf();
  expect(waiting).toEqual([]);
  expect(runs).toMatchObject([
    {
      title: 'Baseline',
      name: 'run',
      state: 'running',
      step: 250,
      totalSteps: 1000,
      seconds: 12.5,
      warnings: 0,
      sampled: [100, 200],
    },
  ]);
  expect(runs[0]!.remaining).toBeCloseTo(750 * 0.048, 0);
  expect(runs[0]!.split!.backward).toBeCloseTo(0.027);
  const view = await curves('run=1');
  expect(view.x).toEqual(Array.from({ length: 250 }, (_, index) => index + 1));
  expect(view.curves.loss!.line).toHaveLength(250);
  expect(Object.keys(view.curves)).toEqual(
    expect.arrayContaining([
      'loss',
      'gradNorm',
      'learningRate',
      'tokensPerSecond',
      'mfu',
      'memory',
      'split.data',
      'stepSeconds',
    ]),
  );
  expect(view.evaluations.x).toEqual([100, 200]);
  expect(Object.keys(view.evaluations.metrics)).toEqual(['eval_loss', 'eval_accuracy']);
  expect(view.marks).toMatchObject([{ kind: 'checkpoint', step: 100, x: 100 }, { step: 200 }]);
  const samples = await json<{ step: number; samples: unknown[] }>('/api/samples?run=1&step=150');
  expect(samples).toMatchObject({ step: 100, samples: [{ text: ' the whale of 100 seas' }, {}] });
});

test('over time and over tokens, a part of it, in few points', async () => {
  writeRun(inFolder('run'), 1000);
  await watch(inFolder('run'));
  await stateOf();
  const overTime = await curves('run=1&axis=seconds&from=10&to=20&points=50&smoothing=0.2');
  expect(overTime.width).toBe(0.2);
  expect(overTime.x.length).toBeLessThan(60);
  expect(overTime.x.every((x) => x > 9.7 && x < 20.3)).toBe(true);
  const { line, low, high } = overTime.curves.loss!;
  line.forEach((value, index) => {
    expect(low![index]).toBeLessThanOrEqual(high![index]!);
    expect(value).toBeGreaterThan(1.5);
  });
  expect(overTime.curves.learningRate!.low).toBeUndefined();
  expect((await curves('run=1&axis=tokens&points=5000')).x.at(-1)).toBe(2048 * 1000);
});

test('grows with its file, and begins anew with one that was cut back by a resumption', async () => {
  writeRun(inFolder('run'), 120);
  await watch(inFolder('run'));
  expect((await stateOf()).runs).toMatchObject([{ step: 120 }]);
  append(inFolder('run'), ...stepsBetween(121, 130), warningRecord(130, 'a shard was skipped'));
  expect((await stateOf()).runs).toMatchObject([{ step: 130, warnings: 1 }]);
  const half = `${JSON.stringify(recordsAt(131)[0])}\n`;
  fs.appendFileSync(inFolder('run', 'metrics.jsonl'), half.slice(0, 40));
  expect((await stateOf()).runs).toMatchObject([{ step: 130 }]);
  fs.appendFileSync(inFolder('run', 'metrics.jsonl'), half.slice(40));
  expect((await stateOf()).runs).toMatchObject([{ step: 131, state: 'running' }]);

  await cutHistory(inFolder('run'), 100);
  append(
    inFolder('run'),
    { ...startRecord(), step: 100, resumedFrom: 'checkpoints/step-100' } as never,
    ...stepsBetween(101, 140),
  );
  expect((await stateOf()).runs).toMatchObject([{ step: 140, warnings: 0, sampled: [100] }]);
  const view = await curves('run=1&points=5000');
  expect(view.x).toEqual(Array.from({ length: 140 }, (_, index) => index + 1));
  expect(view.marks.map(({ kind, step }) => [kind, step])).toEqual([
    ['checkpoint', 100],
    ['resumed', 100],
  ]);
  append(inFolder('run'), endRecord(140));
  expect((await stateOf()).runs).toMatchObject([{ state: 'ended', reason: 'steps', remaining: null }]);
});

test('a folder that is not there yet is waited for; runs come and go', async () => {
  await watch(inFolder('later'), inFolder('runs'));
  expect(await stateOf()).toMatchObject({ runs: [], waiting: [inFolder('later'), inFolder('runs')] });
  writeRun(inFolder('later'), 5);
  fs.mkdirSync(inFolder('runs', 'sweep', 'checkpoints'), { recursive: true });
  writeRun(inFolder('runs', 'sweep', 'lr=2e-3'), 5, { learningRate: 2e-3 });
  writeRun(inFolder('runs', 'sweep', 'lr=10e-3'), 5, { learningRate: 10e-3 });
  await sleep(2100); // folders are looked through every two seconds
  const { runs, waiting } = await stateOf();
  expect(waiting).toEqual([]);
  expect(runs.map(({ name, options }) => [name, options])).toEqual([
    ['later', { learningRate: '0.001' }],
    ['runs/sweep/lr=2e-3', { learningRate: '0.002' }],
    ['runs/sweep/lr=10e-3', { learningRate: '0.01' }],
  ]);
  fs.rmSync(inFolder('runs', 'sweep', 'lr=2e-3'), { recursive: true });
  await sleep(2100);
  expect((await stateOf()).runs.map(({ id }) => id)).toEqual(['1', '3']);
  expect((await get('/api/curves?run=2')).status).toBe(404);
});

test('damage is told, and the rest shown', async () => {
  writeRun(inFolder('run'), 3);
  fs.appendFileSync(inFolder('run', 'metrics.jsonl'), 'nonsense\n');
  append(inFolder('run'), ...stepsBetween(4, 6), { ...recordsAt(7)[0]!, loss: NaN } as never);
  await watch(inFolder('run'));
  const { runs } = await stateOf();
  expect(runs).toMatchObject([{ step: 7, problem: expect.stringMatching(/^metrics\.jsonl:5 is not a record/) }]);
  const view = await curves('run=1');
  expect(view.curves.loss!.line.slice(-2)).toEqual([expect.any(Number), null]);
});

test('news come as they are written', async () => {
  writeRun(inFolder('run'), 10);
  await watch(inFolder('run'));
  const response = await get('/api/events');
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const steps: number[] = [];
  let text = '';
  for await (const chunk of response.body!) {
    text += Buffer.from(chunk as Uint8Array).toString();
    const events = text.split('\n\n');
    text = events.pop()!;
    for (const event of events) {
      const { runs } = JSON.parse(event.replace(/^data: /, '')) as { runs: RunSummary[] };
      steps.push(runs[0]?.step ?? 0);
    }
    if (steps.at(-1) === 10) append(inFolder('run'), ...stepsBetween(11, 20));
    if (steps.at(-1) === 20) break;
  }
  expect(steps).toContain(10);
});

describe('nothing but the runs is served', () => {
  beforeEach(async () => {
    writeRun(inFolder('run'), 3);
    fs.writeFileSync(inFolder('run', 'secret.txt'), 'secret');
    await watch(inFolder('run'));
    await stateOf();
  });

  test.each([
    '/secret.txt',
    '/run/secret.txt',
    '/../secret.txt',
    '/..%2f..%2fetc/passwd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '//etc/passwd',
    '/api/curves?run=../run',
    '/api/samples?run=__proto__',
    '/constructor',
    '/index.html',
  ])('%s', async (target) => {
    const { status, body } = await raw(target);
    expect(status).toBe(404);
    expect(body).not.toMatch(/secret|root:/);
  });

  test.each([
    ['/api/curves?run=1&axis=loss', 400],
    ['/api/curves?run=1&from=x', 400],
    ['//', 400],
    ['http://[', 400],
  ])('what makes no sense is refused: %s', async (target, status) => {
    expect((await raw(target)).status).toBe(status);
  });

  test('other methods, and names that lead here from elsewhere', async () => {
    expect((await raw('/', { method: 'POST' })).status).toBe(405);
    expect((await raw('/', { method: 'HEAD' })).status).toBe(200);
    expect((await raw('/api/runs', { headers: { host: 'attacker.example:6007' } })).status).toBe(421);
    expect((await raw('/api/runs', { headers: { host: 'localhost:9999' } })).status).toBe(200);
  });

  test('the page may load nothing from elsewhere', async () => {
    const policy = (await get('/')).headers.get('content-security-policy')!;
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'/);
    for (const address of ['/', '/style.css', '/app.mjs', '/plot.mjs']) {
      const text = await (await get(address)).text();
      expect(text).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);
    }
  });
});

test('who listens where', async () => {
  writeRun(inFolder('run'), 1);
  await watch(inFolder('run'));
  const { hostname, port } = new URL(server!.url);
  expect(hostname).toBe('127.0.0.1');
  await expect(watchRuns([folder], { port: Number(port) })).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: expect.stringContaining('something else listens there'),
  });
  await expect(watchRuns([folder], { port: 70_000 })).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  await expect(watchRuns([folder], { port: 0, host: '203.0.113.7' })).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  await expect(watchRuns([])).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  const stop = new AbortController();
  const other = await watchRuns([folder], { port: 0, signal: stop.signal });
  stop.abort();
  await expect(fetch(other.url)).rejects.toThrow();
});
