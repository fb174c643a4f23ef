/** Learning rates by updates, against those of the original's schedulers. */
import fs from 'node:fs';
import path from 'node:path';

import { learningRateAt, scaledLearningRate, type UpdateSchedule } from '../../lib/optim';

interface Golden {
  args: {
    lr: [number];
    max_lr?: number;
    warmup_init_lr: number;
    warmup_updates: number;
    lr_period_updates?: number;
    max_update?: number;
  };
  lr: Record<string, number>;
}
type Rules = Record<string, Record<string, number>>;

const file = path.join(__dirname, '../fixtures/delight/lr_schedules.json');
const { max_lr_rule: rules, ...golden } = (
  JSON.parse(fs.readFileSync(file, 'utf8')) as { schedules: Record<string, Golden> & { max_lr_rule: Rules } }
).schedules;

function scheduleOf(name: string, { args }: Golden): UpdateSchedule {
  const { lr, max_lr, warmup_init_lr: warmupInitLr, warmup_updates: warmupUpdates } = args;
  const warmup = { warmupInitLr, warmupUpdates };
  if (name.startsWith('cosine'))
    return { type: 'cosine', ...warmup, maxLr: max_lr!, minLr: lr[0], periodUpdates: args.lr_period_updates! };
  if (name.startsWith('linear'))
    return { type: 'linear', ...warmup, maxLr: lr[0], minLr: warmupInitLr, totalUpdates: args.max_update! };
  return { type: 'inverse-sqrt', ...warmup, maxLr: lr[0] };
}

test.each(Object.entries(golden))('%s', (name, each) => {
  const schedule = scheduleOf(name, each);
  const points = Object.entries(each.lr);
  expect(points.length).toBeGreaterThan(4);
  for (const [updates, rate] of points) {
    expect(Math.abs(learningRateAt(schedule, Number(updates)) / rate - 1)).toBeLessThan(1e-9);
  }
});

test.each([
  ['wmt14_en_de', { width: 640, lr: 0.003, digits: 3 }],
  ['wmt14_en_fr', { width: 640, lr: 0.003, digits: 3 }],
  ['wmt16_en_ro', { width: 512, lr: 0.0007, digits: 4 }],
  ['wikitext103', { width: 1024, lr: 0.002, digits: 3 }],
])('the highest rate of %s for each width', (recipe, reference) => {
  const widths = Object.entries(rules[recipe]!);
  expect(widths.length).toBeGreaterThan(3);
  for (const [width, rate] of widths) expect(scaledLearningRate(Number(width), reference)).toBe(rate);
});

const linear = { type: 'linear', warmupInitLr: 0, maxLr: 1, minLr: 0, totalUpdates: 4 } as const;

test('short schedules divide nothing by 0', () => {
  const rates = (schedule: UpdateSchedule) => [0, 1, 2, 3, 4, 5].map((updates) => learningRateAt(schedule, updates));
  expect(rates({ ...linear, warmupUpdates: 0 })).toEqual([1, 0.75, 0.5, 0.25, 0, 0]);
  expect(rates({ ...linear, warmupUpdates: 1 })).toEqual([0, 1, 1 - 1 / 3, 1 - 2 / 3, 0, 0]);
  expect(rates({ ...linear, warmupUpdates: 4 })).toEqual([0, 1 / 3, 2 / 3, 1, 1, 0]);
});

test('the cosine begins again after its period', () => {
  const cosine = { type: 'cosine', warmupUpdates: 2, warmupInitLr: 0, maxLr: 1, minLr: 0.5, periodUpdates: 2 } as const;
  const rates = [0, 1, 2, 3, 4, 5].map((updates) => learningRateAt(cosine, updates));
  rates.forEach((rate, index) => expect(rate).toBeCloseTo([0, 0.5, 1, 0.75, 1, 0.75][index]!, 12));
});

test.each<[string, () => unknown]>([
  ['half an update', () => learningRateAt({ ...linear, warmupUpdates: 0 }, 0.5)],
  ['a warm-up longer than all', () => learningRateAt({ ...linear, warmupUpdates: 5 }, 6)],
  [
    'no warm-up to fall from',
    () => learningRateAt({ type: 'inverse-sqrt', warmupUpdates: 0, warmupInitLr: 0, maxLr: 1 }, 3),
  ],
  [
    'a period of nothing',
    () =>
      learningRateAt({ type: 'cosine', warmupUpdates: 0, warmupInitLr: 0, maxLr: 1, minLr: 0, periodUpdates: 0 }, 0),
  ],
  ['a model without width', () => scaledLearningRate(0, { width: 640, lr: 0.003, digits: 3 })],
])('%s is refused', (_name, fn) => {
  expect(fn).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
});
