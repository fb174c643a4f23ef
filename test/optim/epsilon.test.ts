/** AdamW with fairseq's epsilon, against the formula written out. */
import { AdamW } from '../../lib/optim';
import { torch, type Tensor } from '../../lib/tensor';

const settings = { lr: 0.1, betas: [0.9, 0.98] as const, eps: 0.01, weightDecay: 0.05 };

/** One number's updates in doubles: decay, then the moments' step with epsilon before the bias correction. */
function formula(value: number, gradients: number[]): number[] {
  const { lr, betas, eps, weightDecay } = settings;
  let [m, v] = [0, 0];
  return gradients.map((gradient, index) => {
    const t = index + 1;
    m = betas[0] * m + (1 - betas[0]) * gradient;
    v = betas[1] * v + (1 - betas[1]) * gradient ** 2;
    value -= lr * weightDecay * value;
    const rate = (lr * Math.sqrt(1 - betas[1] ** t)) / (1 - betas[0] ** t);
    return (value -= (rate * m) / (Math.sqrt(v) + eps));
  });
}

const parameter = (value: number) => torch.tensor([value], { dtype: 'float64', requiresGrad: true });
const gradients = [0.3, -0.02, 0.001, 0.5, 0, -0.4];

function update(adam: AdamW, tensor: Tensor, gradient: number): number {
  return torch.scope(() => {
    adam.zeroGrad();
    tensor.mul(gradient).sum().backward();
    adam.step();
    return tensor.item();
  });
}

test('epsilon weighs before the bias correction', () => {
  const tensor = parameter(2);
  const adam = new AdamW([tensor], { ...settings, epsilonBeforeCorrection: true });
  const values = gradients.map((gradient) => update(adam, tensor, gradient));
  formula(2, gradients).forEach((wanted, index) => expect(values[index]).toBeCloseTo(wanted, 14));
});

test('it is not what AdamW does by default', () => {
  const tensor = parameter(2);
  const adam = new AdamW([tensor], settings);
  expect(Math.abs(update(adam, tensor, 0.001) - formula(2, [0.001])[0]!)).toBeGreaterThan(1e-3);
});

test('parameters of different ages each have their own correction', () => {
  const [old, young] = [parameter(2), parameter(-1)];
  const adam = new AdamW([old, young], { ...settings, epsilonBeforeCorrection: true });
  update(adam, old, gradients[0]!);
  update(adam, old, gradients[1]!);
  torch.scope(() => {
    adam.zeroGrad();
    old.mul(gradients[2]!).add(young.mul(0.7)).sum().backward();
    adam.step();
  });
  expect(old.item()).toBeCloseTo(formula(2, gradients.slice(0, 3))[2]!, 14);
  expect(young.item()).toBeCloseTo(formula(-1, [0.7])[0]!, 14);
});

test('a state dict carries the choice and the age over', () => {
  const [whole, other] = [parameter(2), parameter(2)];
  const first = new AdamW([whole], { ...settings, epsilonBeforeCorrection: true });
  gradients.slice(0, 3).forEach((gradient) => update(first, whole, gradient));
  const second = new AdamW([other]);
  second.loadStateDict(first.stateDict());
  expect(second.groups[0]).toMatchObject({ epsilonBeforeCorrection: true });
  torch.scope(() => other.detach().copy_(whole.detach()));
  for (const gradient of gradients.slice(3))
    expect(update(second, other, gradient)).toBe(update(first, whole, gradient));
});

test('anything but true or false is refused', () => {
  expect(() => new AdamW([parameter(1)], { epsilonBeforeCorrection: 'yes' as never })).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT' }),
  );
});
