/** What memory is held, what was, and what happens where there is none left. */
import { setImmediate as turn } from 'node:timers/promises';

import { nativeErrorFactory, OutOfMemoryError } from '../../lib/errors';
import { retryingForMemory, torch } from '../../lib/tensor';
import { collectGarbage } from './garbage';

const megabyte = 2 ** 20;

function outOfMemory(fn: () => unknown): OutOfMemoryError {
  try {
    fn();
  } catch (error) {
    expect(error).toBeInstanceOf(OutOfMemoryError);
    return error as OutOfMemoryError;
  }
  throw new Error('there was memory');
}

describe('torch.memory', () => {
  test('counts tensors, and the bytes of each storage once', async () => {
    await collectGarbage();
    const before = torch.memory();
    torch.scope(() => {
      const tensor = torch.zeros([1000]);
      tensor.view([10, 100]);
      const { tensors, bytes } = torch.memory();
      expect([tensors - before.tensors, bytes.cpu! - (before.bytes.cpu ?? 0)]).toEqual([2, 4000]);
    });
    expect(torch.memory()).toEqual(before);
  });

  test('of a device tells of what autograd keeps and of the most there was', () => {
    torch.memory.resetPeak();
    const before = torch.memory.device('cpu');
    expect(before.peak).toBe(before.allocated);
    torch.scope(() => {
      // The handles of `x` and of the exponential are gone; what the gradient needs is not.
      const loss = torch.scope(() => torch.zeros([megabyte], { requiresGrad: true }).exp().sum());
      const during = torch.memory.device();
      expect(during.allocated - before.allocated).toBeGreaterThanOrEqual(8 * megabyte);
      expect(loss.item()).toBe(megabyte);
    });
    const after = torch.memory.device('cpu');
    expect(after.allocated - before.allocated).toBeLessThan(megabyte);
    expect(after.peak - before.allocated).toBeGreaterThanOrEqual(8 * megabyte);
    expect(after.free).toBeGreaterThan(0);
    expect(after.total).toBeGreaterThan(after.free);
    torch.memory.resetPeak();
    expect(torch.memory.device().peak).toBeLessThan(after.peak);
  });

  test('of a device that is none is refused', () => {
    expect(() => torch.memory.device('tpu' as 'cpu')).toThrow(expect.objectContaining({ code: 'ERR_DEVICE' }));
  });

  test('collect() frees what JavaScript has forgotten', async () => {
    await torch.memory.collect();
    const before = torch.memory().tensors;
    (() => {
      for (let i = 0; i < 300; i++) torch.ones([1]);
    })();
    expect(torch.memory().tensors).toBeGreaterThan(before);
    await torch.memory.collect();
    // One batch of small ones may still be filled up.
    expect(torch.memory().tensors).toBeLessThanOrEqual(before + 20);
    torch.memory.emptyCache();
  });
});

test('forgotten tensors outside scopes do not pile up: V8 hears of their memory', async () => {
  await torch.memory.collect();
  torch.memory.resetPeak();
  const before = torch.memory.device().allocated;
  for (let i = 0; i < 2500; i++) {
    torch.empty([2 * megabyte]);
    await turn();
  }
  // 20 GB were made, all told. V8 hurries only beyond about half of its own limit.
  expect(torch.memory.device().peak - before).toBeLessThan(7000 * megabyte);
});

describe('an OutOfMemoryError', () => {
  test.each([
    ['more than any machine has', () => torch.zeros([1e15]), 4e15],
    [
      'more than this one has left',
      () => torch.empty([torch.memory.device().free + 2 ** 32], { dtype: 'int8' }),
      undefined,
    ],
    ['elements beyond 64 bits', () => torch.zeros([2 ** 50, 2 ** 50]), Infinity],
    ['what broadcasting makes of it', () => torch.zeros([2 ** 25, 1]).add(torch.zeros([2 ** 25])), 2 ** 52],
    ['an identity', () => torch.eye(2 ** 24), 2 ** 50],
  ])('tells what was asked, is free and is held: %s', (_name, make, asked) => {
    torch.scope(() => {
      const error = outOfMemory(make);
      if (asked !== undefined) expect(error.bytesAsked).toBe(asked);
      expect(error.bytesAsked).toBeGreaterThan(error.bytesFree!);
      expect(error.bytesFree).toBeGreaterThan(0);
      expect(error.bytesHeld).toBeGreaterThanOrEqual(0);
    });
  });

  test('of reading back more than JavaScript can hold is one, too', async () => {
    using huge = torch.zeros([1]).expand(2 ** 45);
    expect(outOfMemory(() => huge.dataSync())).toMatchObject({ bytesAsked: 2 ** 47 });
    await expect(huge.data()).rejects.toMatchObject({ code: 'ERR_OUT_OF_MEMORY', bytesAsked: 2 ** 47 });
  });

  test('leaves everything usable', () => {
    torch.scope(() => {
      outOfMemory(() => torch.zeros([1e15]));
      expect(torch.ones([2]).sum().item()).toBe(2);
    });
  });

  test.each([
    [
      'CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 15.77 GiB of which 1.17 GiB is free. ' +
        'Process 4242 has 14.59 GiB memory in use. Of the allocated memory 12.28 GiB is allocated by PyTorch, and 1.90 GiB is ' +
        'reserved by PyTorch but unallocated.',
      [2 * 2 ** 30, Math.round(1.17 * 2 ** 30), Math.round(12.28 * 2 ** 30)],
    ],
    [
      'CUDA out of memory. Tried to allocate 20.00 MiB. GPU 1 has a total capacity of 7.79 GiB of which 512.00 KiB is free. ' +
        'Including non-PyTorch memory, this process has 6.90 GiB memory in use. Of the allocated memory 300 bytes is allocated by PyTorch',
      [20 * megabyte, 2 ** 19, 300],
    ],
    [
      "DefaultCPUAllocator: can't allocate memory: you tried to allocate 4000 bytes. Error code 12",
      [4000, undefined, undefined],
    ],
    ['CUDA error: out of memory', [undefined, undefined, undefined]],
  ])('reads the figures of libtorch: %s', (message, figures) => {
    const error = nativeErrorFactory('ERR_OUT_OF_MEMORY', message, undefined) as OutOfMemoryError;
    expect(error).toBeInstanceOf(OutOfMemoryError);
    expect([error.bytesAsked, error.bytesFree, error.bytesHeld]).toEqual(figures);
  });
});

describe('a job that runs out of memory', () => {
  test('is tried once more after the dead were freed', async () => {
    await torch.memory.collect();
    const before = torch.memory().tensors;
    const seen: number[] = [];
    const result = await retryingForMemory(() => {
      seen.push(torch.memory().tensors - before);
      if (seen.length > 1) return Promise.resolve('done');
      (() => {
        for (let i = 0; i < 300; i++) torch.ones([1]);
      })();
      return Promise.reject(new OutOfMemoryError('no room'));
    });
    expect(result).toBe('done');
    expect(seen).toHaveLength(2);
    expect(seen[1]).toBeLessThanOrEqual(20);
  });

  test('fails after that, and other errors at once', async () => {
    let runs = 0;
    const fail = (error: Error) => () => {
      runs++;
      return Promise.reject(error);
    };
    await expect(retryingForMemory(fail(new OutOfMemoryError('no room')))).rejects.toMatchObject({
      code: 'ERR_OUT_OF_MEMORY',
    });
    expect(runs).toBe(2);
    await expect(retryingForMemory(fail(new RangeError('mine')))).rejects.toThrow('mine');
    expect(runs).toBe(3);
  });
});
