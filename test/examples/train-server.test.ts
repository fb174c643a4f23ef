/** The example server that trains: steered over HTTP while it answers others, stopped, and started again. */
import fs from 'node:fs';
import path from 'node:path';

import { readHistory } from '../../lib/metrics';
import { writeCorpus } from '../study/small';
import { temporaryFolder } from '../train/tokens';
import { startExample, type RunningExample } from './run-example';

jest.setTimeout(120_000);

let folder: string;
let corpus: string;
let server: RunningExample | undefined;
let url: string;

const start = async () => {
  const place = { cacheDir: path.join(folder, 'cache'), cwd: folder };
  server = await startExample('train-server.mjs', ['run', corpus, '0', '1000000'], place, /listening on (\S+)\n/);
  url = server.match[1]!;
};

beforeAll(async () => {
  folder = temporaryFolder();
  corpus = writeCorpus(folder);
  await start();
});
afterAll(async () => {
  server?.child.kill('SIGKILL');
  await server?.ended;
  fs.rmSync(folder, { recursive: true });
});

interface Answer {
  status: number;
  body: Record<string, unknown>;
}

async function ask(method: string, place: string, body?: object): Promise<Answer> {
  const options = body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const response = await fetch(`${url}${place}`, { method, ...options });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

/** Waits until the training says so of itself. */
async function until(isSo: (state: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
  for (;;) {
    const { body } = await ask('GET', '/training');
    if (isSo(body)) return body;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('it is watched, paused, saved, changed and stopped while it trains, and goes on when it is started again', async () => {
  const { step, loss } = await until((state) => Number(state.step) > 2);
  expect(loss).toBeLessThan(6);
  expect((await (await fetch(`${url}/metrics`)).text()).split('\n')).toEqual(
    expect.arrayContaining([expect.stringMatching(/^torchwright_training_step\{run="served"\} \d+$/)]),
  );

  const events = fetch(`${url}/training/events`).then((response) => response.text());
  const paused = await ask('POST', '/training/pause');
  expect(paused).toMatchObject({ status: 200, body: { step: expect.any(Number) } });
  expect(paused.body.step).toBeGreaterThanOrEqual(Number(step));
  const saved = await ask('POST', '/training/checkpoint');
  expect(fs.readdirSync(path.join(folder, String(saved.body.folder)))).toContain('model.safetensors');
  expect(await ask('PUT', '/training/learning-rate', { learningRate: 1e-4 })).toMatchObject({ status: 200 });
  expect(await ask('PUT', '/training/learning-rate', { learningRate: -1 })).toMatchObject({ status: 400 });
  expect((await ask('GET', '/training')).body).toMatchObject({ state: 'paused', step: paused.body.step });

  await ask('POST', '/training/continue');
  const slower = await until((state) => Number(state.step) > Number(paused.body.step));
  expect(slower.learningRate).toBeCloseTo(1e-4, 8);
  const stopped = await ask('POST', '/training/stop');
  expect(stopped.body).toMatchObject({ reason: 'stopped' });
  const told = (await events).match(/"type":"\w+"/g)!.map((type) => type.slice(8, -1));
  expect(told).toEqual(expect.arrayContaining(['paused', 'checkpoint', 'continued', 'step', 'end']));
  expect(await ask('POST', '/training/pause')).toMatchObject({ status: 409 });
  expect((await ask('GET', '/training')).body.state).toBe('stopped');

  server!.child.kill('SIGTERM');
  expect(await server!.ended).toMatchObject({ code: 0, stderr: '' });

  await start();
  const resumed = await until((state) => Number(state.step) > Number(stopped.body.step));
  expect(resumed.learningRate).toBeCloseTo(1e-4, 8); // as it was set
  server!.child.kill('SIGINT');
  expect(await server!.ended).toMatchObject({ code: 0, stderr: '' });
  const records = await readHistory(path.join(folder, 'run'));
  const steps = records.flatMap((record) => (record.type === 'step' ? [record.step] : []));
  expect(steps).toEqual(Array.from(steps, (_, index) => index + 1)); // none is lost, none told twice
});
