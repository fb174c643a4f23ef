/** Packed and padded sequences. Their way through recurrent layers is compared with PyTorch in parity.test.ts. */
import * as nn from '../../lib/nn';
import { torch } from '../../lib/tensor';

const { rnn } = nn.utils;
const code = (fn: () => unknown): string => {
  try {
    fn();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'none';
};
const three = () => [torch.tensor([1, 2]), torch.tensor([3, 4, 5]), torch.tensor([6])];

test('padding on either side, time or batch first', () => {
  expect(rnn.padSequence(three(), { batchFirst: true }).toArray()).toEqual([
    [1, 2, 0],
    [3, 4, 5],
    [6, 0, 0],
  ]);
  expect(rnn.padSequence(three(), { paddingValue: -1, paddingSide: 'left' }).toArray()).toEqual([
    [-1, 3, -1],
    [1, 4, -1],
    [2, 5, 6],
  ]);
  const padded = rnn.padSequence(three());
  expect(rnn.unpadSequence(padded, [2, 3, 1]).map((each) => each.toArray())).toEqual([[1, 2], [3, 4, 5], [6]]);
});

test('packing goes step by step, longest first, and back', () => {
  const packed = rnn.packSequence(three(), { enforceSorted: false });
  expect(packed.data.toArray()).toEqual([3, 1, 6, 4, 2, 5]);
  expect(Array.from(packed.batchSizes.dataSync(), Number)).toEqual([3, 2, 1]);
  expect(Array.from(packed.sortedIndices!.dataSync(), Number)).toEqual([1, 0, 2]);
  expect(rnn.unpackSequence(packed).map((each) => each.toArray())).toEqual([[1, 2], [3, 4, 5], [6]]);
  const [padded, lengths] = rnn.padPackedSequence(packed, { batchFirst: true, totalLength: 4, paddingValue: 9 });
  expect(padded.toArray()).toEqual([
    [1, 2, 9, 9],
    [3, 4, 5, 9],
    [6, 9, 9, 9],
  ]);
  expect(Array.from(lengths.dataSync(), Number)).toEqual([2, 3, 1]);
});

test('a packed sequence returned from a scope survives it, and gradients flow back', () => {
  const x = torch.ones([3, 2, 2], { requiresGrad: true });
  const gru = new nn.GRU(2, 3);
  const [output] = torch.scope(() => gru.forward(rnn.packPaddedSequence(x, [3, 1])));
  output.data.sum().backward();
  expect(x.grad!.select(1, 1).narrow(0, 1, 2).abs().sum().item()).toBe(0);
  expect(x.grad!.select(1, 1).select(0, 0).abs().sum().item()).toBeGreaterThan(0);
});

test('misuse', () => {
  const x = torch.ones([3, 2, 2]);
  expect(code(() => rnn.packPaddedSequence([1] as never, [1], { enforceSorted: false }))).toBe('ERR_ARGUMENT');
  expect(code(() => rnn.unpadSequence(null as never, [1]))).toBe('ERR_ARGUMENT');
  expect(code(() => rnn.packPaddedSequence(x, [1, 3]))).toMatch(/^ERR_/);
  expect(code(() => rnn.packPaddedSequence(x, [3]))).toMatch(/^ERR_/);
  expect(code(() => rnn.packPaddedSequence(x, [3, 0.5]))).toBe('ERR_ARGUMENT');
  expect(code(() => rnn.packPaddedSequence(x, 3 as never))).toBe('ERR_ARGUMENT');
  expect(code(() => rnn.padSequence([]))).toBe('ERR_ARGUMENT');
  expect(code(() => rnn.padSequence([1] as never))).toBe('ERR_ARGUMENT');
  expect(code(() => rnn.padPackedSequence(x as never))).toBe('ERR_ARGUMENT');
  expect(
    code(() => rnn.padPackedSequence(rnn.packSequence(three(), { enforceSorted: false }), { totalLength: 1 })),
  ).toBe('ERR_SHAPE');
  expect(code(() => rnn.unpadSequence(x, [1]))).toBe('ERR_SHAPE');
});
