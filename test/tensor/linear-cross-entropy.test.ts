/** The loss of a linear head that never holds all logits, against the logits written out. */
import { torch, type Tensor } from '../../lib/tensor';

const rows = 6;
const features = 5;
const classes = 7;

/** The definition: mean or sum of -log softmax at the target, mixed with the mean over all classes. */
function plain(
  x: Tensor,
  weight: Tensor,
  target: Tensor,
  reduction: string,
  ignored: number,
  smoothing: number,
): Tensor {
  const logProbabilities = x.reshape([-1, features]).matmul(weight.t()).logSoftmax(-1);
  const flat = target.reshape([-1]);
  const kept = flat.ne(ignored).to(x.dtype);
  const at = logProbabilities.gather(1, flat.clamp(0).unsqueeze(1)).squeeze(1).neg();
  const uniform = logProbabilities.mean(1).neg();
  const losses = at
    .mul(1 - smoothing)
    .add(uniform.mul(smoothing))
    .mul(kept);
  return reduction === 'sum' ? losses.sum() : losses.sum().div(kept.sum());
}

test.each([
  ['mean', -100, 0],
  ['sum', -100, 0],
  ['mean', -100, 0.1],
  ['mean', -1, 0.3],
  ['sum', -1, 0.3],
] as const)(
  '%s, ignoreIndex %i, labelSmoothing %f: the value and the gradients',
  (reduction, ignoreIndex, labelSmoothing) => {
    torch.scope(() => {
      const x = torch.randn([2, rows / 2, features], { dtype: 'float64', requiresGrad: true });
      const weight = torch.randn([classes, features], { dtype: 'float64', requiresGrad: true });
      const target = torch.tensor([
        [0n, 6n, 3n],
        [3n, ignoreIndex === -1 ? -1n : 1n, 2n],
      ]);
      const expected = plain(x, weight, target, reduction, ignoreIndex, labelSmoothing);
      const wanted = torch.autograd.grad([expected], [x, weight]);
      const loss = torch.linearCrossEntropy(x, weight, target, { reduction, ignoreIndex, labelSmoothing });
      expect(loss.item()).toBeCloseTo(expected.item(), 12);
      for (const [index, gradient] of torch.autograd.grad([loss], [x, weight]).entries()) {
        expect(gradient.sub(wanted[index]!).abs().max().item()).toBeLessThan(1e-12);
      }
    });
  },
);

test('parts of many rows are those of one', () => {
  torch.scope(() => {
    const x = torch.randn([3000, features]);
    const weight = torch.randn([2000, features]);
    const target = torch.randint(0, 2000, [3000]);
    const expected = torch.crossEntropyLoss(x.matmul(weight.t()), target).item();
    expect(torch.linearCrossEntropy(x, weight, target).item()).toBeCloseTo(expected, 4);
  });
});

const x = () => torch.randn([4, features]);
const weight = () => torch.randn([classes, features]);
const target = () => torch.zeros([4], { dtype: 'int64' });

test.each([
  ['features that differ', 'ERR_SHAPE', () => torch.linearCrossEntropy(x(), torch.randn([classes, 3]), target())],
  ['targets of another shape', 'ERR_SHAPE', () => torch.linearCrossEntropy(x(), weight(), target().unsqueeze(0))],
  ['targets that are no ids', 'ERR_DTYPE', () => torch.linearCrossEntropy(x(), weight(), torch.zeros([4]))],
  ['whole numbers as input', 'ERR_DTYPE', () => torch.linearCrossEntropy(x().to('int64'), weight(), target())],
  ['a class that is not there', 'ERR_ARGUMENT', () => torch.linearCrossEntropy(x(), weight(), target().add(classes))],
  ['a negative class', 'ERR_ARGUMENT', () => torch.linearCrossEntropy(x(), weight(), target().sub(1))],
  ['no reduction', 'ERR_ARGUMENT', () => torch.linearCrossEntropy(x(), weight(), target(), { reduction: 'none' })],
  [
    'too much smoothing',
    'ERR_ARGUMENT',
    () => torch.linearCrossEntropy(x(), weight(), target(), { labelSmoothing: 2 }),
  ],
])('%s is %s', (_, code, call) => {
  expect(() => torch.scope(call)).toThrow(expect.objectContaining({ code }) as Error);
});
