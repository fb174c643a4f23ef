/** Every optimiser over 24 steps beside PyTorch's: groups, missing gradients, changing rates, dtypes; and going on from a saved state. */
import { torch } from '../../lib/tensor';
import { flat, gap, makeOptimizer, makeParameters, steps, train, trajectories, type Case } from './golden';

const tolerance = { float64: 1e-12, float32: 3e-6, bfloat16: 0.04 };
const title = ({ optimizer, options, second, dtype }: Case) =>
  `${optimizer} ${dtype} ${JSON.stringify(options)}, second group ${JSON.stringify(second)}`;
const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const order = trajectories.shapes.map((_, index) => index).sort((a, b) => rank(a) - rank(b) || a - b);
function rank(index: number): number {
  return trajectories.second.includes(index) ? 1 : 0;
}

test.each(trajectories.cases.map((each) => [title(each), each] as const))('%s', (_title, golden) => {
  const params = makeParameters(trajectories.start, golden.dtype);
  using optimizer = makeOptimizer(golden, params);
  let done = 0;
  for (const [step, values] of Object.entries(golden.values)) {
    train(params, optimizer, done, Number(step));
    done = Number(step);
    params.forEach((parameter, index) => {
      expect(gap(flat(parameter), values[index]!)).toBeLessThan(tolerance[golden.dtype]);
    });
  }
  const { state } = optimizer.stateDict() as { state: (Record<string, unknown> | null)[] };
  expect(state).toHaveLength(order.length);
  golden.state.forEach((wanted, index) => {
    const found = Object.entries(state[index] ?? {}).map(
      ([name, value]) => [snake(name), value instanceof torch.Tensor ? flat(value) : [value as number]] as const,
    );
    expect(found.map(([name]) => name).sort()).toEqual(Object.keys(wanted).sort());
    for (const [name, value] of found) expect(gap(value, wanted[name]!)).toBeLessThan(tolerance[golden.dtype]);
  });
});

test.each(trajectories.cases.map((each) => [title(each), each] as const))('saved half way: %s', (_title, golden) => {
  const whole = makeParameters(trajectories.start, golden.dtype);
  using wholeOptimizer = makeOptimizer(golden, whole);
  train(whole, wholeOptimizer, 0, 9);

  const rest = makeParameters(whole.map(flat), golden.dtype);
  using restOptimizer = makeOptimizer({ ...golden, options: { lr: 0.9 }, second: {} }, rest);
  restOptimizer.loadStateDict(wholeOptimizer.stateDict());
  train(whole, wholeOptimizer, 9, steps);
  train(rest, restOptimizer, 9, steps);
  expect(rest.map(flat)).toEqual(whole.map(flat));
  expect(restOptimizer.groups.map(({ params: _, ...settings }) => settings)).toEqual(
    wholeOptimizer.groups.map(({ params: _, ...settings }) => settings),
  );
});
