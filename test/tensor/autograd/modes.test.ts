/** Modes of work: each ends with its function, follows await, and keeps to itself when work interleaves. */
import { setImmediate as tick } from 'node:timers/promises';

import fc from 'fast-check';

import { torch } from '../../../lib/tensor';
import { thrown } from './thrown';

const leaf = () => torch.ones([2], { requiresGrad: true });
const records = () => leaf().mul(2).requiresGrad;

test('noGrad, enableGrad and setGradEnabled nest', () => {
  const seen = [records()];
  torch.noGrad(() => {
    seen.push(records());
    torch.enableGrad(() => seen.push(records()));
    torch.setGradEnabled(true, () => seen.push(records(), torch.isGradEnabled()));
    seen.push(records());
  });
  torch.setGradEnabled(false, () => seen.push(records()));
  expect([...seen, records()]).toEqual([true, false, true, true, true, false, false, true]);
});

test('a mode ends when its function throws', () => {
  thrown(() =>
    torch.noGrad(() => {
      torch.ones([1]).mul(1);
      throw new Error('early');
    }),
  );
  expect(records()).toBe(true);
});

describe('inferenceMode', () => {
  test('records nothing, and its tensors stay out of graphs', () => {
    const made = torch.inferenceMode(() => {
      expect([torch.isInferenceModeEnabled(), torch.isGradEnabled()]).toEqual([true, false]);
      return leaf().mul(2);
    });
    expect([made.requiresGrad, made.isInference(), torch.isInferenceModeEnabled()]).toEqual([false, true, false]);
    expect(thrown(() => leaf().mul(made)).message).toMatch(/Inference tensors cannot be saved for backward/);
    expect(thrown(() => made.add_(1)).message).toMatch(/[Ii]nference/);
    expect(records()).toBe(true);
  });

  test('normal mode inside it, by name or by hook', () => {
    torch.inferenceMode(() => {
      expect(torch.inferenceMode(() => records(), { enabled: false })).toBe(true);
      expect(leaf().isInference()).toBe(true);
    });
  });
});

test('interleaved asynchronous work keeps its own modes', async () => {
  type Mode = 'plain' | 'noGrad' | 'inference' | 'autocast';
  const run: Record<Mode, <T>(fn: () => T) => T> = {
    plain: (fn) => torch.enableGrad(fn),
    noGrad: (fn) => torch.noGrad(fn),
    inference: (fn) => torch.inferenceMode(fn),
    autocast: (fn) => torch.autocast({ device: 'cpu' }, fn),
  };
  const expected: Record<Mode, [boolean, string, boolean]> = {
    plain: [true, 'float32', false],
    noGrad: [false, 'float32', false],
    inference: [false, 'float32', true],
    autocast: [true, 'bfloat16', false],
  };
  const look = () => {
    const x = torch.ones([2, 2], { requiresGrad: true });
    const product = x.matmul(x);
    return [product.requiresGrad, product.dtype, product.isInference()];
  };
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom<Mode>('plain', 'noGrad', 'inference', 'autocast'), fc.nat(3)), {
        minLength: 2,
        maxLength: 6,
      }),
      async (works) => {
        const outcomes = await Promise.all(
          works.map(([mode, pauses]) =>
            run[mode](async () => {
              const seen = [look()];
              for (let i = 0; i <= pauses; i++) {
                await tick();
                seen.push(look());
                seen.push(torch.scope(look));
              }
              return seen;
            }),
          ),
        );
        works.forEach(([mode], index) => {
          for (const each of outcomes[index]!) expect(each).toEqual(expected[mode]);
        });
        expect(records()).toBe(true);
      },
    ),
    { numRuns: 40 },
  );
});

test('timers and promises keep the modes they were started in', async () => {
  const later = torch.noGrad(() => new Promise<boolean>((resolve) => setTimeout(() => resolve(records()), 1)));
  const then = torch.noGrad(() => Promise.resolve().then(records));
  expect([await later, await then, records()]).toEqual([false, false, true]);
});

test('what is made outside after an inference is no inference tensor, however it is made', async () => {
  const within = () => void leaf().mul(2);
  const outside = (): boolean[] => [torch.tensor([1]).isInference(), torch.zeros([1]).isInference()];
  torch.inferenceMode(within);
  const found = outside();
  let end = (): void => undefined;
  const inference = torch.inferenceMode(async () => {
    within();
    await new Promise<void>((resolve) => (end = resolve));
    within();
  });
  found.push(...outside());
  end();
  await Promise.resolve();
  found.push(...outside());
  await inference;
  found.push(...outside());
  expect(found).toEqual(new Array(8).fill(false));
});
