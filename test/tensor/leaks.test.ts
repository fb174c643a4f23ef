/** Debug mode: birth places, leaks, and what `assertNoLeaks` says of them. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';

import { LeakError } from '../../lib/errors';
import { leaks, torch, traceLeaks, type Tensor } from '../../lib/tensor';
import { collectGarbage } from './garbage';

const root = path.resolve(__dirname, '../..');

function thrownBy(fn: () => unknown): LeakError {
  try {
    fn();
  } catch (error) {
    return error as LeakError;
  }
  throw new Error('nothing was thrown');
}

describe('assertNoLeaks', () => {
  test('gives the result when nothing is left', async () => {
    expect(torch.assertNoLeaks(() => torch.scope(() => torch.ones([2]).sum().item()))).toBe(2);
    const sum = torch.assertNoLeaks(() =>
      torch.scope(async () => {
        await turn();
        return torch.ones([3]).sum().item();
      }),
    );
    expect(await sum).toBe(3);
    expect(
      torch.assertNoLeaks(() => {
        using tensor = torch.ones([2]);
        tensor.add(1).dispose();
        return tensor.numel;
      }),
    ).toBe(2);
  });

  test('lists what is lost, kept and returned, by birth place, the most bytes first', () => {
    const made: Tensor[] = [];
    const makeSmall = () => made.push(torch.ones([2]).keep());
    const error = thrownBy(() =>
      torch.assertNoLeaks(() =>
        torch.scope(() => {
          makeSmall();
          makeSmall();
          const large = torch.zeros([100]);
          made.push(large, large.view([10, 10]));
          return large;
        }),
      ),
    );
    expect(error).toBeInstanceOf(LeakError);
    expect(error.code).toBe('ERR_LEAK');
    expect(error.message).toMatch(/^3 tensors of 416 bytes made inside are still alive/);
    const places = error.message.split('\n').filter((line) => line.includes('made at'));
    expect(places).toHaveLength(2);
    expect(places[0]).toMatch(/1 tensor, 400 bytes, made at .*leaks\.test\.ts:\d+:\d+/);
    expect(places[1]).toMatch(/2 tensors, 16 bytes, made at .*leaks\.test\.ts/);
    expect(error.message).toContain('called by');
    expect(error.message).not.toMatch(/lib[/\\]tensor/);
    for (const tensor of made) tensor.dispose();
  });

  test('an asynchronous one rejects, and does not count what others make meanwhile', async () => {
    const others: Tensor[] = [];
    let leaked!: Tensor;
    const watched = torch.assertNoLeaks(async () => {
      await turn();
      leaked = torch.ones([1]);
      await turn();
    });
    const outcome = expect(watched).rejects.toMatchObject({
      code: 'ERR_LEAK',
      message: expect.stringMatching(/^1 tensor of 4 bytes/),
    });
    const clean = torch.assertNoLeaks(() => turn());
    for (let i = 0; i < 4; i++) {
      others.push(torch.ones([1]));
      await turn();
    }
    await clean;
    await outcome;
    for (const tensor of [...others, leaked]) tensor.dispose();
  });

  test('nests: the inner one throws first, the outer one counts what is made in the inner one too', () => {
    let leaked!: Tensor;
    const error = thrownBy(() =>
      torch.assertNoLeaks(() => {
        expect(thrownBy(() => torch.assertNoLeaks(() => void (leaked = torch.ones([1]))))).toBeInstanceOf(LeakError);
      }),
    );
    expect(error.code).toBe('ERR_LEAK');
    leaked.dispose();
  });

  test('an error of the work itself comes as it is, also asynchronously, and tracing ends with it', async () => {
    const mine = new RangeError('mine');
    const fail = () => {
      throw mine;
    };
    expect(() => torch.assertNoLeaks(fail)).toThrow(mine);
    await expect(torch.assertNoLeaks(() => turn().then(fail))).rejects.toBe(mine);
    using _tensor = torch.ones([1]);
    expect(leaks()).toEqual([]);
  });

  test('what is no function is refused', () => {
    expect(thrownBy(() => torch.assertNoLeaks(3 as unknown as () => void))).toMatchObject({ code: 'ERR_ARGUMENT' });
  });
});

describe('traceLeaks', () => {
  afterEach(() => traceLeaks(false));

  test('lists what is alive until it is disposed', async () => {
    await collectGarbage();
    expect(torch.debug.leaks()).toEqual([]);
    torch.debug.traceLeaks();
    const tensors = Array.from({ length: 3 }, () => torch.ones([4]));
    const [leak, ...others] = torch.debug.leaks();
    expect(others).toEqual([]);
    expect(leak).toMatchObject({ tensors: 3, bytes: 48, example: expect.stringContaining('[4]') });
    expect(leak!.stack[0]).toContain('leaks.test.ts');
    for (const tensor of tensors) tensor.dispose();
    expect(torch.debug.leaks()).toEqual([]);
  });

  test('a long run does not gather the dead', () => {
    traceLeaks();
    using kept = torch.ones([1]);
    for (let i = 0; i < 10_000; i++) torch.ones([1]).dispose();
    expect(leaks()).toHaveLength(1);
    expect(kept.item()).toBe(1);
  });

  test('TORCHWRIGHT_DEBUG=leaks reports at the end of the process', () => {
    const program = `const { torch } = require('./lib/tensor'); globalThis.left = torch.ones([5]); torch.ones([1]).dispose();`;
    const run = (debug: string) =>
      spawnSync(process.execPath, ['-r', './scripts/register.cjs', '-e', program], {
        cwd: root,
        encoding: 'utf8',
        env: { ...process.env, NODE_OPTIONS: '', TORCHWRIGHT_DEBUG: debug },
      });
    const { status, stderr } = run('leaks');
    expect(status).toBe(0);
    expect(stderr).toMatch(
      /^torchwright: 1 tensor of 20 bytes alive at the end:\n {2}1 tensor, 20 bytes, made at \[eval\]/,
    );
    expect(run('').stderr).toBe('');
  }, 60_000);
});
