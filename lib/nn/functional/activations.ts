/** Activations and what is normalised by exponentials. */
import { ArgumentError } from '../../errors';
import { composite, torch, type Composite, type Dtype, type Tensor } from '../../tensor';

/** An activation of one tensor that may work in place. `more` are its further parameters, before `inplace`. */
function activation(
  name: string,
  more: string,
  doc: string,
  fresh: (input: Tensor, ...values: never[]) => Tensor,
  inPlace: (input: Tensor, ...values: never[]) => Tensor,
): Composite {
  return composite({
    signature: `${name}(Tensor input, ${more === '' ? '' : `${more}, `}bool inplace=False) -> Tensor`,
    doc,
    run: (input: Tensor, ...values: unknown[]) =>
      (values.pop() === true ? inPlace : fresh)(input, ...(values as never[])),
  });
}

function checkBounds(min: number, max: number): void {
  if (min > max) throw new ArgumentError(`F.hardtanh: minVal ${min} is greater than maxVal ${max}.`);
}

function gumbelSoftmax(logits: Tensor, tau: number, hard: boolean, _eps: number, dim: number): Tensor {
  const gumbels = torch.emptyLike(logits).exponential_().log().neg();
  const soft = logits.add(gumbels).div(tau).softmax(dim);
  if (!hard) return soft;
  const [, index] = soft.max(dim, true);
  // Forward one-hot, backward as the soft sample.
  return torch.zerosLike(logits).scatter_(dim, index, 1).sub(soft.detach()).add(soft);
}

function dtypeOption(dtype: Dtype | null): { dtype: Dtype | null } {
  return { dtype };
}

export const activations = [
  activation(
    'relu',
    '',
    'max(x, 0).',
    (x) => x.relu(),
    (x) => x.relu_(),
  ),
  activation(
    'relu6',
    '',
    'min(max(x, 0), 6).',
    (x) => x.relu6(),
    (x) => x.relu6_(),
  ),
  activation(
    'silu',
    '',
    'x * sigmoid(x).',
    (x) => x.silu(),
    (x) => x.silu_(),
  ),
  activation(
    'mish',
    '',
    'x * tanh(softplus(x)).',
    (x) => x.mish(),
    (x) => x.mish_(),
  ),
  activation(
    'hardswish',
    '',
    'x * relu6(x + 3) / 6.',
    (x) => x.hardswish(),
    (x) => x.hardswish_(),
  ),
  activation(
    'hardsigmoid',
    '',
    'relu6(x + 3) / 6.',
    (x) => x.hardsigmoid(),
    (x) => x.hardsigmoid_(),
  ),
  activation(
    'selu',
    '',
    'ELU with the scale and alpha that keep mean 0 and variance 1.',
    (x) => x.selu(),
    (x) => x.selu_(),
  ),
  activation(
    ...(['elu', 'float alpha=1', 'x, and alpha * (exp(x) - 1) below 0.'] as const),
    (x, alpha: number) => x.elu(alpha),
    (x, alpha: number) => x.elu_(alpha),
  ),
  activation(
    ...(['celu', 'float alpha=1', 'x, and alpha * (exp(x / alpha) - 1) below 0.'] as const),
    (x, alpha: number) => x.celu(alpha),
    (x, alpha: number) => x.celu_(alpha),
  ),
  activation(
    ...(['leakyRelu', 'float negativeSlope=0.01', 'x, and negativeSlope * x below 0.'] as const),
    (x, slope: number) => x.leakyRelu(slope),
    (x, slope: number) => x.leakyRelu_(slope),
  ),
  activation(
    ...(['threshold', 'Scalar threshold, Scalar value', 'x where it is above the threshold, else the value.'] as const),
    (x, threshold: number, value: number) => torch.threshold(x, threshold, value),
    (x, threshold: number, value: number) => x.threshold_(threshold, value),
  ),
  activation(
    ...(['hardtanh', 'float minVal=-1, float maxVal=1', 'x cut off below minVal and above maxVal.'] as const),
    (x, min: number, max: number) => (checkBounds(min, max), x.hardtanh(min, max)),
    (x, min: number, max: number) => (checkBounds(min, max), x.hardtanh_(min, max)),
  ),
  activation(
    'rrelu',
    'float lower=0.125, float upper=0.3333333333333333, bool training=False',
    'leakyRelu with a slope drawn from U(lower, upper) for each element in training, else their mean.',
    (x, lower: number, upper: number, training: boolean) => torch.rrelu(x, lower, upper, training),
    (x, lower: number, upper: number, training: boolean) => x.rrelu_(lower, upper, training),
  ),
  composite({
    signature: 'elu_(Tensor input, float alpha=1) -> Tensor',
    doc: '`elu` in place.',
    run: (input: Tensor, alpha: number) => input.elu_(alpha),
  }),
  composite({
    signature: 'leakyRelu_(Tensor input, float negativeSlope=0.01) -> Tensor',
    doc: '`leakyRelu` in place.',
    run: (input: Tensor, slope: number) => input.leakyRelu_(slope),
  }),
  composite({
    signature: 'hardtanh_(Tensor input, float minVal=-1, float maxVal=1) -> Tensor',
    doc: '`hardtanh` in place.',
    run: (input: Tensor, min: number, max: number) => {
      checkBounds(min, max);
      return input.hardtanh_(min, max);
    },
  }),
  composite({
    signature: 'tanhshrink(Tensor input) -> Tensor',
    doc: 'x - tanh(x).',
    run: (input: Tensor) => input.sub(input.tanh()),
  }),
  composite({
    signature: 'softsign(Tensor input) -> Tensor',
    doc: 'x / (1 + |x|).',
    run: (input: Tensor) => input.div(input.abs().add(1)),
  }),
  composite({
    signature: 'softmin(Tensor input, int dim, ScalarType? dtype=None) -> Tensor',
    doc: 'softmax of -x along `dim`.',
    run: (input: Tensor, dim: number, dtype: Dtype | null) => input.neg().softmax(dim, dtypeOption(dtype)),
  }),
  composite({
    signature: 'gumbelSoftmax(Tensor logits, float tau=1, bool hard=False, float eps=1e-10, int dim=-1) -> Tensor',
    doc: "A sample of the Gumbel-softmax distribution; `hard` gives one-hot rows whose gradient is the soft sample's.",
    run: gumbelSoftmax,
  }),
];
