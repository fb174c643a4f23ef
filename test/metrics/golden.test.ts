import { readFileSync } from 'node:fs';
import path from 'node:path';

import fc from 'fast-check';

import { formatMetric, formatMetrics, type Metrics } from '../../lib/metrics';
import { floatRepr, parsePythonJson, pythonJson, roundHalfEven } from '../../lib/metrics/python';

interface Goldens {
  floats: { bits: string; repr: string; round4: string; round3: string; shown: string }[];
  runtimes: { seconds: number; shown: string }[];
  flos: { flos: string; shown: string }[];
  memory: { bytes: number; shown: string }[];
  reports: { split: 'train' | 'eval'; metrics: Record<string, string>; report: string; json: string }[];
}

/** Written by make_goldens.py beside it, with Python and transformers themselves. Doubles are kept as their bits. */
const goldens = JSON.parse(readFileSync(path.join(__dirname, '../fixtures/metrics/goldens.json'), 'utf8')) as Goldens;

const double = (bits: string) => Buffer.from(bits, 'hex').readDoubleBE();

const metricsOf = (bits: Record<string, string>): Metrics =>
  Object.fromEntries(Object.entries(bits).map(([key, value]) => [key, double(value)]));

describe('numbers as Python has them', () => {
  test('repr of a float', () => {
    expect(goldens.floats.map(({ bits }) => floatRepr(double(bits)))).toEqual(goldens.floats.map(({ repr }) => repr));
  });

  test('round to 4 and to 3 decimals, bit for bit', () => {
    for (const { bits, round4, round3 } of goldens.floats) {
      expect(roundHalfEven(double(bits), 4)).toBe(double(round4));
      expect(roundHalfEven(double(bits), 3)).toBe(double(round3));
    }
  });

  test('ties go to the even digit', () => {
    expect([0.03125, 0.09375, 0.15625, -0.03125].map((value) => roundHalfEven(value, 4))).toEqual([
      0.0312, 0.0938, 0.1562, -0.0312,
    ]);
    expect([0.5, 1.5, 2.5].map((value) => roundHalfEven(value, 0))).toEqual([0, 2, 2]);
  });

  test('repr reads back as the same double', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) =>
        Object.is(Number(floatRepr(value)), value),
      ),
    );
  });

  test('rounding stays within half a unit and is idempotent', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), (value) => {
        const rounded = roundHalfEven(value, 4);
        return Math.abs(rounded - value) <= 0.5e-4 + 1e-9 && roundHalfEven(rounded, 4) === rounded;
      }),
    );
  });
});

describe('metrics as the Trainer shows them', () => {
  test('floats', () => {
    const shown = goldens.floats.map(({ bits }) => formatMetric('eval_loss', double(bits)));
    expect(shown).toEqual(goldens.floats.map((golden) => golden.shown));
  });

  test.each(goldens.runtimes)('a runtime of $seconds s is $shown', ({ seconds, shown }) => {
    expect(formatMetric('eval_runtime', seconds)).toBe(shown);
  });

  test('the runtimes that hurt', () => {
    expect(formatMetric('train_runtime', 3725.9999)).toBe('1:02:05.99');
    expect(formatMetric('train_runtime', 93784.059)).toBe('1 day, 2:03:04.05');
    expect(formatMetric('train_runtime', 172800.25)).toBe('2 days, 0:00:00.25');
  });

  test.each(goldens.flos)('total_flos: $shown', ({ flos, shown }) => {
    expect(formatMetric('total_flos', double(flos))).toBe(shown);
  });

  test.each(goldens.memory)('$bytes bytes are $shown', ({ bytes, shown }) => {
    expect(formatMetric('eval_mem_cpu_alloc_delta', bytes)).toBe(shown);
  });

  test('a runtime, a size or a number of FLOPs that is not finite or is negative time is refused', () => {
    for (const [key, value] of [
      ['eval_runtime', NaN],
      ['eval_runtime', Infinity],
      ['eval_runtime', -1],
      ['total_flos', Infinity],
      ['init_mem_cpu_alloc_delta', NaN],
    ] as const) {
      expect(() => formatMetric(key, value)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }) as Error);
    }
  });

  test.each(goldens.reports.map((golden, index) => ({ index, ...golden })))('report $index', (golden) => {
    expect(formatMetrics(golden.split, metricsOf(golden.metrics))).toBe(golden.report);
  });

  test('report of no metrics is its header', () => {
    expect(formatMetrics('train', {})).toBe('***** train metrics *****');
  });

  test.each(goldens.reports.map((golden, index) => ({ index, ...golden })))('results file $index', (golden) => {
    const metrics = metricsOf(golden.metrics);
    expect(pythonJson(metrics, 4)).toBe(golden.json);
    expect(parsePythonJson(golden.json)).toEqual(metrics);
  });
});
