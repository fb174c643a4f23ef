/** How a pass is run changes memory and time, not what is computed. */
import { variantNames, type ModelOptions } from '../../lib/residual';
import { torch, type Dtype } from '../../lib/tensor';
import { cases, create, gradients, idsOf, largest } from './cases';
import { plainDecoder } from './plain';

const modes: [string, Partial<ModelOptions>][] = [
  ['probabilities computed again at each use', { probabilityBudget: 0 }],
  ['activations made anew', { activationCheckpointing: true }],
  ['both', { activationCheckpointing: true, probabilityBudget: 0 }],
];

describe.each(cases)('%s', (name, options) => {
  // Longer than one block of rows, whatever computes it.
  test.each(modes)('with %s, loss and gradients are those without', (_mode, mode) => {
    for (const dtype of variantNames.some((known) => known === name)
      ? (['float64', 'float32'] as const)
      : (['float64'] as const)) {
      torch.scope(() => {
        const ids = idsOf(70);
        const [usual, other] = [create(options, dtype), create({ ...options, ...mode }, dtype)];
        const [wantedLoss, loss] = [usual.loss(ids), other.loss(ids)];
        expect(loss.item()).toBe(wantedLoss.item());
        expect(torch.noGrad(() => other.loss(ids)).item()).toBe(wantedLoss.item());
        const wanted = gradients(usual, wantedLoss);
        const tolerance = dtype === 'float64' ? 1e-13 : 1e-5;
        const far = [...gradients(other, loss)].filter(
          ([name, gradient]) =>
            !(largest(gradient.sub(wanted.get(name)!)) <= tolerance * Math.max(1, largest(wanted.get(name)!))),
        );
        expect(far.map(([name]) => name)).toEqual([]);
      });
    }
  });
});

test.each([
  ['float64', 1e-12],
  ['float32', 2e-5],
] as [Dtype, number][])(
  '%s: attention over several blocks, and its gradients, are the definition’s',
  (dtype, tolerance) => {
    for (const residual of ['baseline', '3.2', '4.2']) {
      torch.scope(() => {
        const ids = idsOf(210);
        const model = create({ residual, initializerRange: 0.1 }, dtype);
        const exact = create({ residual, initializerRange: 0.1 }, 'float64');
        exact.loadStateDict(model.stateDict());
        const plain = plainDecoder(exact.config, exact.namedParameters(), ids);
        const loss = model.loss(ids);
        expect(Math.abs(loss.item() - plain.loss.item())).toBeLessThan(tolerance);
        const wanted = gradients(exact, plain.loss);
        for (const [name, gradient] of gradients(model, loss)) {
          const difference = largest(gradient.to({ dtype: 'float64' }).sub(wanted.get(name)!));
          expect([name, difference < tolerance * Math.max(1, largest(wanted.get(name)!))]).toEqual([name, true]);
        }
      });
    }
  },
);

test('a kept graph is differentiated twice, each time alike, with activations made anew', () => {
  const model = create({ residual: '3.2', activationCheckpointing: true }, 'float64');
  const loss = model.loss(idsOf(70));
  loss.backward(undefined, { retainGraph: true });
  const parameters = [...model.parameters()];
  const once = parameters.map(({ grad }) => grad!.clone());
  loss.backward();
  parameters.forEach(({ grad }, i) => expect(largest(grad!.sub(once[i]!.mul(2)))).toBeLessThan(1e-13));
});

test('second derivatives are refused with activations made anew, too', () => {
  const loss = create({ activationCheckpointing: true }, 'float64').loss(idsOf(5));
  expect(() => loss.backward(undefined, { createGraph: true })).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT', message: expect.stringContaining('createGraph') as string }),
  );
});

test('frozen parameters stay without gradients, and do not hinder the others', () => {
  const gradientsOf = (mode: Partial<ModelOptions>) => {
    const model = create({ residual: '4.2', ...mode }, 'float64');
    for (const [name, parameter] of model.namedParameters()) {
      parameter.requiresGrad = /norm|down_proj|lm_head/.test(name);
    }
    model.loss(idsOf(20)).backward();
    return [...model.namedParameters()].map(([name, { grad }]) => [name, grad?.toArray()]);
  };
  const wanted = gradientsOf({});
  expect(wanted.some(([, grad]) => grad === undefined)).toBe(true);
  for (const [, mode] of modes) expect(gradientsOf(mode)).toEqual(wanted);
});
