/** The parts of a sweep that need no training: names, shares of the machine, figures. */
import { shortNames, slugOfTrial, titleOf, valueText } from '../../../lib/study/sweep/names';
import { environmentOf } from '../../../lib/study/sweep/resources';
import { settingsCharts } from '../../../lib/study/sweep/settings-charts';
import type { SweepResult, SweepRow } from '../../../lib/study/sweep/result';

describe('names', () => {
  test('keys are as long as it takes to tell them apart', () => {
    const keys = [
      'train.learningRate',
      'models.A.encoder.heads',
      'models.A.decoder.heads',
      'models.B.encoder.heads',
      'device',
    ];
    expect([...shortNames(keys).values()]).toEqual([
      'learningRate',
      'A.encoder.heads',
      'decoder.heads',
      'B.encoder.heads',
      'device',
    ]);
  });

  test.each([
    [0.001, '0.001'],
    [1e-7, '1e-7'],
    ['3.2', '3.2'],
    [null, 'null'],
    [['a', 1], '[ a, 1 ]'],
    [{ bpe: 500 }, '{ bpe: 500 }'],
  ])('the value %j', (value, text) => {
    expect(valueText(value)).toBe(text);
  });

  test('folders are in the order of the trials, safe in every shell, and not too long', () => {
    const names = new Map([
      ['a.b', 'b'],
      ['c', 'c'],
    ]);
    expect(titleOf({ 'a.b': 1, c: 'x' }, names)).toBe('b 1, c x');
    expect(slugOfTrial(7, 100, { 'a.b': { x: [1, '$(rm)'] }, c: '../../etc' }, names)).toBe(
      '007_b=-x-1-rm-_c=..-..-etc',
    );
    expect(slugOfTrial(1, 2, { c: 'y'.repeat(300) }, names).length).toBeLessThanOrEqual(80);
  });
});

describe('shares of the machine', () => {
  const machine = { cores: 8, gpus: 0, env: { PATH: '/bin' } };
  test.each([
    [1, {}, { PATH: '/bin' }],
    [2, {}, { PATH: '/bin', OMP_NUM_THREADS: '4' }],
    [3, {}, { PATH: '/bin', OMP_NUM_THREADS: '2' }],
    [20, {}, { PATH: '/bin', OMP_NUM_THREADS: '1' }],
    [2, { OMP_NUM_THREADS: '6' }, { PATH: '/bin', OMP_NUM_THREADS: '3' }],
    [1, { OMP_NUM_THREADS: '6' }, { PATH: '/bin', OMP_NUM_THREADS: '6' }],
  ])('%i processes, %j', (processes, given, expected) => {
    expect(environmentOf(0, processes, { ...machine, env: { ...machine.env, ...given } })).toEqual(expected);
  });

  test('several GPUs go round, those that may be seen', () => {
    const visible = (place: number, gpus: number, env = {}) =>
      environmentOf(place, 3, { ...machine, gpus, env })['CUDA_VISIBLE_DEVICES'];
    expect([0, 1, 2].map((place) => visible(place, 2))).toEqual(['0', '1', '0']);
    expect([0, 1, 2].map((place) => visible(place, 2, { CUDA_VISIBLE_DEVICES: '3,5' }))).toEqual(['3', '5', '3']);
    expect(visible(1, 1)).toBeUndefined();
  });
});

describe('figures of the score against settings', () => {
  const score: SweepResult['score'] = { key: 'loss', name: 'loss', better: 'lower' };
  const rowOf = (settings: Record<string, unknown>, value: number | null): SweepRow => {
    const title = JSON.stringify(settings);
    return { trial: 1, title, settings, seed: 1, folder: title, score: value, spread: null, numbers: {}, error: null };
  };
  const axis = (key: string, values: unknown[]) => ({
    keys: [key],
    isList: false,
    choices: values.map((value) => [{ path: [key], value, place: '' }]),
  });
  const chartsOf = (axes: ReturnType<typeof axis>[], rows: SweepRow[]) => {
    const names = new Map(axes.map(({ keys: [key] }) => [key!, key!]));
    const choicesOf = ({ settings }: SweepRow) => ({
      settings,
      choices: axes.map(({ keys: [key], choices }) =>
        choices.findIndex(([choice]) => choice!.value === settings[key!]),
      ),
    });
    return settingsCharts({ rows, score } as SweepResult, axes, names, choicesOf);
  };

  test('a curve for each combination of the others; words have no place on an axis', () => {
    const axes = [axis('lr', [0.1, 0.001]), axis('kind', ['a', 'b'])];
    const rows = [
      rowOf({ lr: 0.001, kind: 'a' }, 1),
      rowOf({ lr: 0.001, kind: 'b' }, 2),
      rowOf({ lr: 0.1, kind: 'a' }, 3),
      rowOf({ lr: 0.1, kind: 'b' }, null),
    ];
    const [chart, ...others] = chartsOf(axes, rows);
    expect(others).toEqual([]);
    expect(chart).toMatchObject({ id: 'score-lr', xScale: 'log' });
    expect(chart!.curves.map(({ contender, points }) => [contender.title, points])).toEqual([
      [
        'kind a',
        [
          { x: 0.001, y: 1 },
          { x: 0.1, y: 3 },
        ],
      ],
      ['kind b', [{ x: 0.001, y: 2 }]],
    ]);
  });

  test('of very many, the best at each value', () => {
    const kinds = Array.from({ length: 12 }, (_, index) => `k${index}`);
    const axes = [axis('size', [8, 16]), axis('kind', kinds)];
    const rows = kinds.flatMap((kind, index) => [
      rowOf({ size: 8, kind }, 3 - index / 10),
      rowOf({ size: 16, kind }, 2 + index),
    ]);
    const [chart] = chartsOf(axes, rows);
    expect(chart!.xScale).toBeUndefined();
    expect(chart!.curves).toHaveLength(1);
    expect(chart!.curves[0]!.points.map(({ x, y }) => [x, Number(y.toFixed(6))])).toEqual([
      [8, 1.9],
      [16, 2],
    ]);
  });
});
