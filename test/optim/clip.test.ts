/** Norms and clipping beside PyTorch's. */
import { clipGradNorm, clipGradValue, getTotalNorm } from '../../lib/optim';
import { torch, type Tensor } from '../../lib/tensor';
import { flat, gap, readGolden } from './golden';

interface Golden {
  clipping: {
    gradients: number[][];
    norms: { normType: number | 'Infinity'; maxNorm: number; norm: number; after: number[][] }[];
    value: { clipValue: number; after: number[][] };
  };
}
const { gradients, norms, value } = readGolden<Golden>('others').clipping;

const double = (values: number[]) => torch.tensor(values, { dtype: 'float64' });
function withGradients(): Tensor[] {
  return gradients.map((gradient) => {
    const parameter = double(gradient.map(() => 0)).requiresGrad_();
    parameter.grad = double(gradient);
    return parameter;
  });
}
const gradientsOf = (params: Tensor[]) => params.map((parameter) => flat(parameter.grad!));

test.each(norms.map((each) => [`order ${each.normType}, at most ${each.maxNorm}`, each] as const))(
  '%s',
  (_title, golden) => {
    const normType = Number(golden.normType);
    const params = [...withGradients(), double([1]).requiresGrad_()];
    expect(getTotalNorm(gradients.map(double), { normType })).toBeCloseTo(golden.norm, 12);
    expect(clipGradNorm(params, golden.maxNorm, { normType })).toBeCloseTo(golden.norm, 12);
    gradientsOf(params.slice(0, -1)).forEach((after, index) =>
      expect(gap(after, golden.after[index]!)).toBeLessThan(1e-13),
    );
  },
);

test('values are bounded one by one', () => {
  const params = withGradients();
  clipGradValue(params, value.clipValue);
  expect(gradientsOf(params)).toEqual(value.after);
});

test('several dtypes at once', () => {
  const params = [double([0]), torch.zeros([1], { dtype: 'bfloat16' })].map((each) => each.requiresGrad_());
  params[0]!.grad = double([3]);
  params[1]!.grad = torch.full([1], 4, { dtype: 'bfloat16' });
  expect(clipGradNorm(params, 1)).toBe(5);
  expect(flat(params[0]!.grad)[0]).toBeCloseTo(0.6, 6);
  expect(flat(params[1]!.grad)[0]).toBeCloseTo(0.8, 2);
});

test('without gradients the norm is 0', () => {
  expect(clipGradNorm([double([1]).requiresGrad_()], 1)).toBe(0);
  expect(getTotalNorm([])).toBe(0);
  expect(() => clipGradValue([], 1)).not.toThrow();
});

test('a norm that is no number is told before anything is changed, if asked for', () => {
  const params = withGradients();
  params[1]!.grad = double(gradients[1]!.map(() => Infinity));
  expect(() => clipGradNorm(params, 1, { errorIfNonfinite: true })).toThrow(
    expect.objectContaining({ code: 'ERR_NON_FINITE' }),
  );
  expect(gradientsOf(params)[0]).toEqual(gradients[0]);
  expect(clipGradNorm(params, 1)).toBe(Infinity);
  expect(gradientsOf(params)[0]!.every((each) => each === 0)).toBe(true);
});

test.each<[string, () => unknown, string]>([
  ['a norm of nothing', () => clipGradNorm([], 0), 'ERR_ARGUMENT'],
  ['NaN as norm', () => clipGradNorm([], NaN), 'ERR_ARGUMENT'],
  ['a text as norm', () => clipGradNorm([], '1' as never), 'ERR_ARGUMENT'],
  ['an order of 0', () => clipGradNorm([], 1, { normType: 0 }), 'ERR_ARGUMENT'],
  ['a negative value', () => clipGradValue([], -1), 'ERR_ARGUMENT'],
  [
    'a disposed tensor',
    () => {
      const gone = double([1]);
      gone.dispose();
      return getTotalNorm([gone]);
    },
    'ERR_DISPOSED',
  ],
])('%s', (_name, fn, code) => {
  expect(fn).toThrow(expect.objectContaining({ code }));
});
