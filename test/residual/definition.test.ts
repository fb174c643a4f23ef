/** The native decoder against its definition written in operators, values and gradients, for every variant and switch. */
import { NativeModule } from '../../lib/nn';
import { ResidualLlama } from '../../lib/residual';
import { torch, type Dtype, type Tensor } from '../../lib/tensor';
import { cases, create, gradients, idsOf, largest, sizes } from './cases';
import { plainDecoder } from './plain';

/** A decoder whose plan TypeScript has not checked. */
class Unchecked extends NativeModule {
  constructor(plan: object) {
    super('residual-llama', plan);
  }
  override forward(ids: Tensor): Tensor {
    return this.call('forward', [ids])[0]!;
  }
}

describe.each(cases)('%s', (_name, options) => {
  test.each([
    ['float64', 1e-12],
    ['float32', 1e-4],
  ] as [Dtype, number][])('%s: logits, loss and gradients are the definition’s', (dtype, tolerance) => {
    torch.scope(() => {
      const ids = idsOf(9);
      const model = create(options, dtype);
      const plain = plainDecoder(model.config, model.namedParameters(), ids);
      expect(largest(model.forward(ids).sub(plain.logits))).toBeLessThan(tolerance * largest(plain.logits));
      const loss = model.loss(ids);
      expect(Math.abs(loss.item() - plain.loss.item())).toBeLessThan(tolerance);
      const wanted = gradients(model, plain.loss);
      for (const [name, gradient] of gradients(model, loss)) {
        expect([
          name,
          largest(gradient.sub(wanted.get(name)!)) < tolerance * Math.max(1, largest(wanted.get(name)!)),
        ]).toEqual([name, true]);
      }
    });
  });
});

test('the native decoder itself refuses stored outputs on another stream, or without their probabilities’ gradient', () => {
  const plan = ResidualLlama.create(sizes).config;
  for (const change of [{ input: 'mid' }, { detachProbs: true }]) {
    const residual = { ...plan.residual, site: 'mlp', source: 'stored', ...change };
    expect(() => new Unchecked({ ...plan, residual })).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG', message: expect.stringContaining("source 'recomputed'") }),
    );
  }
});
