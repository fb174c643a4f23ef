/** The addon in several workers at once, and in workers that are ended in the middle of their work. */
import { run } from './run';

test('four workers compute at once what each computes alone, and hand data over by shared memory only', async () => {
  const { code, output, errors } = await run('four-workers.ts');
  expect([code, errors]).toEqual([0, '']);
  const { alone, together, shared } = JSON.parse(output) as Record<'alone' | 'together' | 'shared', object[]>;
  expect(alone).toHaveLength(4);
  expect(alone.every((each) => (each as { left: number }).left === 0)).toBe(true);
  // A tensor that was posted arrives as an object of nothing, which operators refuse.
  expect(together).toEqual(alone.map((each) => ({ ...each, refused: 'ERR_ARGUMENT' })));
  expect(shared).toEqual([1, 2, 3, 4]);
}, 120_000);

test('200 workers ended in the middle of jobs leave no tensor, no thread and no memory behind', async () => {
  const { code, signal, output, errors } = await run('terminate-often.ts', '200');
  expect([code, signal, errors]).toEqual([0, null, '']);
  const left = JSON.parse(output) as { bytes: number; threads: number; residentGained: number; shared: boolean };
  expect(left).toMatchObject({ bytes: 0, threads: 0, shared: true });
  // 150 workers later; a single leaked matrix of 1 MB each would be 150.
  expect(left.residentGained).toBeLessThan(100 * 2 ** 20);
}, 300_000);
