/** Workers, their end in the middle of work, and the end of the process: each in a process of its own. */
import { run } from './run';

test('workers compute side by side and leave nothing behind', async () => {
  const { code, output, errors } = await run('workers.ts');
  expect([code, errors]).toEqual([0, '']);
  expect(JSON.parse(output)).toEqual([1, 2, 3, 4, 5].map((seed) => ({ sum: 50 * seed, left: 0 })));
}, 60_000);

test('a worker may be ended in the middle of a job', async () => {
  const { code, signal, output, errors } = await run('terminate.ts');
  expect([code, signal, errors]).toEqual([0, null, '']);
  expect(output).toBe('alive 64 64\n');
}, 60_000);

test.each([
  ['runs out of work', 'end', 0],
  ['calls process.exit', 'exit', 3],
  ['dies of an error', 'throw', 1],
])(
  'a process that %s with jobs under way does not crash',
  async (_way, argument, expected) => {
    const { code, signal, output, errors } = await run('exit.ts', argument);
    expect([code, signal, output]).toEqual([expected, null, 'started\n']);
    if (argument !== 'throw') expect(errors).toBe('');
  },
  60_000,
);

test('forgotten tensors are freed where realms of node:vm come and go', async () => {
  const { code, output } = await run('realms.ts');
  expect([code, output]).toEqual([0, 'freed\n']);
}, 60_000);
