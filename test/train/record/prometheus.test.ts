import http from 'node:http';
import type { AddressInfo } from 'node:net';

import { PrometheusGauges } from '../../../lib/train';
import { endEvent, evaluationEvent, startEvent, stepEvent } from './events';

/** Samples of an exposition by name and labels; refuses what Prometheus would. */
function parse(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  const families = new Set<string>();
  let family = '';
  expect(text.endsWith('\n')).toBe(true);
  for (const line of text.trimEnd().split('\n')) {
    const [, kind, name] = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) .+$/.exec(line) ?? [];
    if (kind === 'HELP') {
      if (families.has(name!)) throw new Error(`${name} comes twice`);
      families.add((family = name!));
    } else if (kind === 'TYPE') {
      if (line !== `# TYPE ${family} gauge`) throw new Error(line);
    } else {
      const [, sample, labels, value] = /^([\w:]+)(\{run="(?:[^"\\\n]|\\["\\n])*"\}) (\S+)$/.exec(line) ?? [];
      if (sample !== family) throw new Error(`${line} stands under ${family}`);
      if (!/^([+-]Inf|NaN|-?[\d.]+(e[+-]?\d+)?)$/.test(value!)) throw new Error(line);
      samples.set(`${sample}${labels}`, Number(value!.replace('Inf', 'Infinity')));
    }
  }
  return samples;
}

const name = (gauge: string, run = 'a') => `torchwright_training_${gauge}{run="${run}"}`;

test('before anything is trained there is nothing', () => {
  expect(new PrometheusGauges().metrics()).toBe('');
});

test('a step, an evaluation and a checkpoint are shown as they are', () => {
  const gauges = new PrometheusGauges();
  const observer = gauges.of('a');
  observer.onEvent(startEvent({ totalSteps: 7 }));
  observer.onEvent(stepEvent({ step: 3, loss: Infinity, mfu: 0.25, memory: { resident: 5, peak: 6, device: 7 } }));
  observer.onEvent(evaluationEvent({ metrics: { eval_loss: NaN } }));
  observer.onEvent({ type: 'checkpoint', step: 3, folder: 'x', reason: 'step', best: false });
  expect(Object.fromEntries(parse(gauges.metrics()))).toEqual({
    [name('running')]: 1,
    [name('step')]: 3,
    [name('total_steps')]: 7,
    [name('epoch')]: 0.75,
    [name('loss')]: Infinity,
    [name('eval_loss')]: NaN,
    [name('learning_rate')]: 1e-3,
    [name('gradient_norm')]: 1,
    [name('tokens_per_second')]: 640,
    [name('flops_utilization_ratio')]: 0.25,
    [name('step_seconds')]: 0.1,
    [name('elapsed_seconds')]: 0.375,
    [name('remaining_seconds')]: 90,
    [name('resident_memory_bytes')]: 5,
    [name('device_memory_bytes')]: 7,
    [name('checkpoint_step')]: 3,
  });
});

test('several trainings stand beside each other, whatever they are called, until they are forgotten', () => {
  const gauges = new PrometheusGauges();
  const odd = 'one "two"\\three\nfour';
  for (const run of ['a', odd]) gauges.of(run).onEvent(startEvent());
  expect(parse(gauges.metrics()).get(name('running', 'one \\"two\\"\\\\three\\nfour'))).toBe(1);
  expect(parse(gauges.metrics()).get(name('running'))).toBe(1);
  gauges.forget(odd);
  expect([...parse(gauges.metrics()).keys()].filter((key) => !key.endsWith('{run="a"}'))).toEqual([]);
});

test('a training that has ended says so, and another of its name begins anew', () => {
  const gauges = new PrometheusGauges();
  const first = gauges.of('a');
  first.onEvent(startEvent());
  first.onEvent(stepEvent());
  first.onEvent(endEvent({ reason: 'stopped' }));
  expect(parse(gauges.metrics()).get(name('running'))).toBe(0);
  gauges.of('a').onEvent(startEvent());
  expect(parse(gauges.metrics()).get(name('running'))).toBe(1);
  expect(parse(gauges.metrics()).has(name('loss'))).toBe(false);
});

test('a server serves them', async () => {
  const gauges = new PrometheusGauges();
  gauges.of('a').onEvent(startEvent());
  const server = http.createServer((_, reply) => {
    reply.setHeader('content-type', gauges.contentType).end(gauges.metrics());
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const reply = await fetch(`http://localhost:${(server.address() as AddressInfo).port}/metrics`);
  expect(reply.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(parse(await reply.text()).get(name('step'))).toBe(0);
  await new Promise((resolve) => server.close(resolve));
});

test('a run without a name is refused', () => {
  expect(() => new PrometheusGauges().of(3 as never)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
});
