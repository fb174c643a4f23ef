import { PassThrough } from 'node:stream';

import { ProgressLine } from '../../../lib/train';
import { describeDuration } from '../../../lib/train/record/progress/describe';
import { endEvent, evaluationEvent, startEvent, stepEvent } from './events';

let now: number;
beforeEach(() => {
  now = 1e6;
  for (const clock of [performance, Date]) jest.spyOn(clock, 'now').mockImplementation(() => now);
});
afterEach(() => jest.restoreAllMocks());

/** A stream that keeps what is written to it. */
function recorder(isTTY: boolean): NodeJS.WriteStream & { text(): string } {
  const stream = new PassThrough();
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return Object.assign(stream, {
    isTTY,
    columns: 200,
    text: () => Buffer.concat(chunks).toString(),
    cursorTo: () => true,
    clearLine: () => true,
  }) as never;
}

describe('without a terminal', () => {
  test('there is a line every ten seconds, with all there is to know', () => {
    const stream = recorder(false);
    const line = new ProgressLine({ title: 'Baseline', stream });
    line.onEvent(startEvent());
    for (const step of [1, 2, 3]) {
      now += 6000;
      line.onEvent(stepEvent({ step, loss: 2.34567, tokensPerSecond: 12345.6, remaining: 200 }));
    }
    line.onEvent(evaluationEvent({ step: 3 }));
    now += 10_000;
    line.onEvent(stepEvent({ step: 4, totalSteps: null, remaining: null, learningRate: 2.5e-4 }));
    line.close();
    expect(stream.text().split('\n')).toEqual([
      'Baseline: step 2 of 10, epoch 0.50, loss 2.3457, lr 1.0e-3, 12,346 tokens/s, 3 min 20 s left',
      'Baseline: step 3, eval loss 2.0000, the best so far',
      'Baseline: step 4, epoch 1.00, loss 2.5000, lr 2.5e-4, 640 tokens/s, eval loss 2.0000',
      '',
    ]);
  });

  test('what is not one of many is told at once', () => {
    const stream = recorder(false);
    const line = new ProgressLine({ stream });
    line.onEvent(startEvent({ step: 5, resumedFrom: 'runs/a/checkpoints/step-00000005' }));
    line.onEvent({ type: 'warning', step: 5, message: 'shard 3 was skipped' });
    line.onEvent({ type: 'paused', step: 5 });
    line.onEvent(stepEvent({ step: 6, elapsed: 75 }));
    line.onEvent(endEvent({ step: 6, reason: 'early-stopping', metrics: { train_runtime: 75 } }));
    expect(stream.text().split('\n')).toEqual([
      'training: goes on after step 5, from runs/a/checkpoints/step-00000005',
      'training: shard 3 was skipped',
      'training: paused after step 5',
      'training: 6 steps in 1 min 15 s (early-stopping)',
      '',
    ]);
  });
});

test('on a terminal there is one line, drawn anew, that goes away', () => {
  const stream = recorder(true);
  const line = new ProgressLine({ title: 'Baseline', stream });
  const evaluated = { type: 'evaluationBatch', batch: 3, batches: 9 } as const;
  for (const event of [stepEvent({ step: 5 }), evaluated, evaluationEvent({ step: 5 }), stepEvent({ step: 6 })]) {
    now += 1000;
    line.onEvent(event);
  }
  line.close();
  const text = stream.text();
  expect(text).toMatch(/Baseline =+-+ 5\/10 {2}loss 2\.5000 {2}lr 1\.0e-3 {2}640 tokens\/s {2}1 min 30 s left/);
  expect(text).toMatch(/5\/10 {2}evaluating 3\/9/);
  expect(text).toMatch(/6\/10 .*eval loss 2\.0000/);
  expect(text).not.toContain('\n');
});

test.each([
  [0.2, '0 s'],
  [59.6, '1 min'],
  [45, '45 s'],
  [200, '3 min 20 s'],
  [3600, '1 h'],
  [7830, '2 h 10 min'],
  [3 * 86_400 + 4 * 3600 + 59, '3 d 4 h'],
])('%d s are %s', (seconds, words) => expect(describeDuration(seconds)).toBe(words));
