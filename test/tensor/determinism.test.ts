import { torch } from '../../lib';
import { deterministicScope } from '../../lib/tensor';

afterEach(() => torch.useDeterministicAlgorithms(false));

const put = () => torch.zeros([3]).put_(torch.tensor([0], { dtype: 'int64' }), torch.ones([1]));

test('operators without a deterministic version run unless only deterministic ones may, and are then named', () => {
  expect(torch.areDeterministicAlgorithmsEnabled()).toBe(false);
  expect(put().toArray()).toEqual([1, 0, 0]);
  torch.useDeterministicAlgorithms(true);
  expect(torch.areDeterministicAlgorithmsEnabled()).toBe(true);
  expect(put).toThrow(
    expect.objectContaining({
      name: 'NondeterministicError',
      code: 'ERR_NONDETERMINISTIC',
      message: expect.stringMatching(/^put_ has no deterministic version.*Use another operator/s) as unknown,
    }) as Error,
  );
  torch.useDeterministicAlgorithms(false);
  expect(put().toArray()).toEqual([1, 0, 0]);
});

test('they may run with a warning', () => {
  torch.useDeterministicAlgorithms(true, { warnOnly: true });
  expect(put().toArray()).toEqual([1, 0, 0]);
});

test('memory that nobody has written is filled', () => {
  torch.useDeterministicAlgorithms(true);
  expect(torch.empty([3]).toArray()).toEqual([NaN, NaN, NaN]);
});

test('matrices are multiplied, with cuBLAS told to be deterministic', () => {
  torch.useDeterministicAlgorithms(true);
  expect(
    torch
      .ones([2, 2])
      .matmul(torch.ones([2, 2]))
      .toArray(),
  ).toEqual([
    [2, 2],
    [2, 2],
  ]);
});

test('scopes that overlap end with the last of them, and bring back what was', () => {
  const scopes = [deterministicScope(), deterministicScope()];
  expect(put).toThrow(expect.objectContaining({ code: 'ERR_NONDETERMINISTIC' }) as Error);
  scopes[0]![Symbol.dispose]();
  scopes[0]![Symbol.dispose]();
  expect(put).toThrow(expect.objectContaining({ code: 'ERR_NONDETERMINISTIC' }) as Error);
  scopes[1]![Symbol.dispose]();
  expect(put().toArray()).toEqual([1, 0, 0]);
});

test.each([
  [() => torch.useDeterministicAlgorithms('yes' as never)],
  [() => torch.useDeterministicAlgorithms(true, null as never)],
])('what is no mode is refused', (call) => {
  expect(call).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }) as Error);
  expect(torch.areDeterministicAlgorithmsEnabled()).toBe(false);
});
