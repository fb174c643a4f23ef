/** Lifetime: scopes, dispose, keep, and their way through asynchronous work. */
import { setImmediate as tick } from 'node:timers/promises';

import fc from 'fast-check';

import { torch, type Tensor } from '../../lib/tensor';
import { collectGarbage } from './garbage';

const live = () => torch.memory().tensors;

function codeOf(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'none';
}

// What earlier tests forgot would otherwise be freed in the middle of a count.
beforeEach(collectGarbage);

describe('dispose', () => {
  test('frees once, and any later use is an error of its own', () => {
    const before = live();
    const tensor = torch.ones([2]);
    expect(live()).toBe(before + 1);
    tensor.dispose();
    tensor.dispose();
    expect(live()).toBe(before);
    using other = torch.ones([2]);
    expect(tensor.isDisposed).toBe(true);
    for (const use of [
      () => tensor.shape,
      () => tensor.add(1),
      () => torch.sub(other, tensor),
      () => torch.cat([tensor]),
      () => tensor.dataSync(),
      () => tensor.backward(),
      () => tensor.requiresGrad,
    ]) {
      expect(codeOf(use)).toBe('ERR_DISPOSED');
    }
    expect(String(tensor)).toBe('Tensor(disposed)');
  });

  test('an asynchronous use of a disposed tensor rejects', async () => {
    const tensor = torch.ones([2]);
    tensor.dispose();
    await expect(tensor.data()).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  });

  test('a tensor may be disposed while a job still reads it', async () => {
    const tensor = torch.full([1000], 3, { dtype: 'float32' });
    const reading = tensor.data();
    tensor.dispose();
    expect((await reading)[999]).toBe(3);
  });

  test('`using` frees at the end of the block', () => {
    const before = live();
    {
      using tensor = torch.ones([2]);
      expect(tensor.shape).toEqual([2]);
    }
    expect(live()).toBe(before);
  });
});

describe('outside scopes', () => {
  test('forgotten tensors are freed by the collector', async () => {
    const before = live();
    (() => {
      for (let i = 0; i < 500; i++) torch.ones([1]).add(1);
    })();
    await collectGarbage();
    expect(live()).toBeLessThanOrEqual(before + 10);
  });

  test('a kept tensor that is forgotten, too', async () => {
    const before = live();
    torch.scope(() => {
      for (let i = 0; i < 500; i++) torch.ones([1]).keep();
    });
    expect(live()).toBe(before + 500);
    await collectGarbage();
    expect(live()).toBeLessThanOrEqual(before + 10);
  });
});

describe('scope', () => {
  test('frees what is made inside and gives back the result', () => {
    const before = live();
    let inside!: Tensor;
    const result = torch.scope(() => {
      inside = torch.ones([2]).add(1).mul(3);
      return inside.toArray();
    });
    expect(result).toEqual([6, 6]);
    expect(live()).toBe(before);
    expect(codeOf(() => inside.shape)).toBe('ERR_DISPOSED');
  });

  test('what is returned survives, wherever it hides', () => {
    const before = live();
    const made = torch.scope(() => {
      const t = () => torch.ones([1]).add(1);
      const shared = t();
      const cycle: { tensor: Tensor; self?: unknown } = { tensor: t() };
      cycle.self = cycle;
      return {
        one: t(),
        list: [t(), [t()]],
        map: new Map([['key', t()]]),
        set: new Set([t()]),
        shared,
        again: shared,
        cycle,
      };
    });
    expect(live()).toBe(before + 7);
    for (const tensor of [
      made.one,
      made.list[0],
      made.map.get('key'),
      [...made.set][0],
      made.shared,
      made.cycle.tensor,
    ]) {
      expect((tensor as Tensor).item()).toBe(2);
      (tensor as Tensor).dispose();
    }
    (made.list[1] as Tensor[])[0]!.dispose();
    expect(live()).toBe(before);
  });

  test('survivors of an inner scope belong to the outer one', () => {
    const before = live();
    torch.scope(() => {
      const survivor = torch.scope(() => torch.ones([1]).add(1));
      expect(live()).toBe(before + 1);
      expect(survivor.item()).toBe(2);
    });
    expect(live()).toBe(before);
  });

  test('a tensor of the outer scope is not freed by the inner one', () => {
    torch.scope(() => {
      const outer = torch.ones([1]);
      torch.scope(() => outer);
      expect(outer.item()).toBe(1);
    });
  });

  test('keep() takes a tensor out of all scopes', () => {
    const before = live();
    let kept!: Tensor;
    torch.scope(() => torch.scope(() => void (kept = torch.ones([1]).keep())));
    expect(kept.item()).toBe(1);
    kept.dispose();
    expect(live()).toBe(before);
  });

  test('an error frees everything', () => {
    const before = live();
    expect(() =>
      torch.scope(() => {
        torch.ones([1]).add(1);
        throw new RangeError('mine');
      }),
    ).toThrow('mine');
    expect(live()).toBe(before);
  });

  test('thousands of tensors disposed within one scope leave nothing behind', () => {
    const before = live();
    torch.scope(() => {
      const stays = torch.ones([1]);
      for (let i = 0; i < 5000; i++) torch.ones([1]).dispose();
      for (let i = 0; i < 3000; i++) torch.ones([1]);
      expect(live()).toBe(before + 3001);
      expect(stays.item()).toBe(1);
    });
    expect(live()).toBe(before);
  });
});

describe('asynchronous scopes', () => {
  test('end when the promise settles', async () => {
    const before = live();
    const result = await torch.scope(async () => {
      const a = torch.ones([2]);
      await tick();
      const b = a.add(1);
      await b.data();
      return b.mul(2);
    });
    expect(live()).toBe(before + 1);
    expect(result.toArray()).toEqual([4, 4]);
    result.dispose();
  });

  test('free everything when the promise is rejected', async () => {
    const before = live();
    await expect(
      torch.scope(async () => {
        torch.ones([1]);
        await tick();
        torch.ones([1]);
        throw new RangeError('late');
      }),
    ).rejects.toThrow('late');
    expect(live()).toBe(before);
  });

  test('what work makes after its scope has ended belongs to the nearest open scope', async () => {
    const before = live();
    await torch.scope(async () => {
      let late!: Promise<Tensor>;
      torch.scope(() => {
        late = tick().then(() => torch.ones([1]));
      });
      expect((await late).item()).toBe(1);
      expect(live()).toBe(before + 1);
    });
    expect(live()).toBe(before);
  });

  test("after the outermost scope ended it is in nobody's scope", async () => {
    let late!: Promise<Tensor>;
    torch.scope(() => {
      late = tick().then(() => torch.ones([1]));
    });
    const tensor = await late;
    expect(tensor.item()).toBe(1);
    tensor.dispose();
  });

  /** Runs a random tree of scopes and waits, counting in each branch what must be alive in it. */
  type Plan = { waits: number; tensors: number; children: Plan[]; fails: boolean };
  const plans = fc.letrec<{ plan: Plan }>((tie) => ({
    plan: fc.record({
      waits: fc.nat(3),
      tensors: fc.nat(4),
      children: fc.oneof({ maxDepth: 3 }, fc.constant<Plan[]>([]), fc.array(tie('plan'), { maxLength: 3 })),
      fails: fc.boolean(),
    }),
  })).plan;

  async function follow(plan: Plan): Promise<Tensor> {
    return torch.scope(async () => {
      const own = Array.from({ length: plan.tensors }, (_, index) => torch.full([1], index));
      for (let i = 0; i < plan.waits; i++) await tick();
      const children = await Promise.all(plan.children.map((child) => follow(child).catch(() => null)));
      await tick();
      own.forEach((tensor, index) => expect(tensor.item()).toBe(index));
      const sum = children
        .filter((child) => child !== null)
        .reduce((total, child) => total + child.item(), plan.tensors);
      if (plan.fails) throw new Error('planned');
      return torch.full([1], sum, { dtype: 'float64' });
    });
  }

  function expected(plan: Plan): number {
    return plan.children.reduce((sum, child) => sum + (child.fails ? 0 : expected(child)), plan.tensors);
  }

  test('interleaved work never mixes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(plans, { minLength: 1, maxLength: 4 }), async (roots) => {
        const before = live();
        const results = await Promise.allSettled(roots.map(follow));
        for (const [index, result] of results.entries()) {
          const plan = roots[index]!;
          if (plan.fails) expect(result).toMatchObject({ status: 'rejected', reason: { message: 'planned' } });
          else {
            const { value } = result as PromiseFulfilledResult<Tensor>;
            expect(value.item()).toBe(expected(plan));
            value.dispose();
          }
        }
        expect(live()).toBe(before);
      }),
      { numRuns: 40 },
    );
  });
});

describe('grad mode', () => {
  const records = () => torch.scope(() => torch.ones([1], { requiresGrad: true }).mul(2).requiresGrad);

  test('noGrad and enableGrad nest and are undone, also by an error', () => {
    expect(records()).toBe(true);
    torch.noGrad(() => {
      expect([records(), torch.isGradEnabled()]).toEqual([false, false]);
      torch.enableGrad(() => expect(records()).toBe(true));
      expect(records()).toBe(false);
    });
    expect(() =>
      torch.noGrad(() => {
        throw new Error('x');
      }),
    ).toThrow('x');
    expect(records()).toBe(true);
  });

  test('follows await, beside other work in the other mode', async () => {
    const without = torch.noGrad(async () => {
      for (let i = 0; i < 5; i++) {
        expect(records()).toBe(false);
        await tick();
      }
    });
    for (let i = 0; i < 5; i++) {
      expect(records()).toBe(true);
      await tick();
    }
    await without;
  });

  test('scopes inside noGrad keep the mode, and noGrad inside scopes keeps the scope', () => {
    const before = live();
    torch.scope(
      () => torch.noGrad(() => torch.scope(() => expect(records()).toBe(false)) ?? torch.ones([1]) ?? null) && null,
    );
    expect(live()).toBe(before);
  });
});
