/** A golden case of training: some updates of fairseq's Adam on one batch. */
import { z } from 'zod';

import { CheckpointError } from '../../errors';
import { AdamW, clipGradNorm } from '../../optim';
import type { Measurement } from '../../parity';
import { noGrad, scope, torch } from '../../tensor';
import type { Golden } from './golden';
import { makeTranslationModel } from './model-cases';

const trainingSchema = z.looseObject({
  optimizer: z.looseObject({
    lr: z.number(),
    betas: z.tuple([z.number(), z.number()]),
    eps: z.number(),
    weight_decay: z.number(),
  }),
  ntokens: z.number(),
});

export async function runTraining(golden: Golden): Promise<Measurement[]> {
  const { optimizer: settings, ntokens } = golden.fields(trainingSchema);
  using model = makeTranslationModel(golden, 'w0');
  const { lr, betas, eps, weight_decay: weightDecay } = settings;
  using adam = new AdamW(model.parameters(), { lr, betas, eps, weightDecay, epsilonBeforeCorrection: true });
  const inputs = [golden.input('src_tokens'), golden.input('prev_output_tokens'), golden.input('target')] as const;
  model.train();
  const updates = golden.tensor('out.loss').numel;
  const trace = Array.from({ length: updates }, () =>
    scope(() => {
      adam.zeroGrad();
      const { loss, nll } = model.loss(...inputs);
      loss.backward();
      const norm = clipGradNorm(model.parameters(), Infinity);
      adam.step();
      return { loss: loss.item() * ntokens, nll: nll.item() * ntokens, norm };
    }),
  );
  const series = (key: 'loss' | 'nll' | 'norm') =>
    torch.tensor(
      trace.map((each) => each[key]),
      { dtype: 'float64' },
    );
  const measured = [
    await golden.output('loss', series('loss'), 'loss'),
    await golden.output('nll', series('nll'), 'loss'),
    await golden.output('grad_norm', series('norm'), 'loss'),
  ];
  const parameters = new Map(model.namedParameters());
  for (const name of golden.weights('w10').keys()) {
    const parameter = parameters.get(name);
    if (parameter === undefined) throw new CheckpointError(`${golden.file}: ${name} is not a parameter of the model.`);
    measured.push(await golden.compare('w10', name, noGrad(() => parameter.detach()), 'param')); // prettier-ignore
  }
  return measured;
}
