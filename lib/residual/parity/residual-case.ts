/** A case of the residual fixtures: weights, ids, and what every variant and switch makes of them. */
import path from 'node:path';

import { z } from 'zod';

import { parseConfig } from '../../config';
import { CheckpointError } from '../../errors';
import { AdamW, clipGradNorm, decayGroups } from '../../optim';
import { accuracyTolerance, difference, tensorOf, worst, type Measurement, type ParityPlace } from '../../parity';
import { loadSafetensors, noGrad, scope, type Tensor } from '../../tensor';
import { fromHuggingFace } from '../huggingface';
import { ResidualLlama } from '../model';

const baseName = z.string().regex(/^[^/\\]+$/, 'must be a file of the same folder');
const tolerance = z.number().nonnegative();

export const toleranceSchema = z.looseObject({
  float64: z.looseObject({ logits_abs: tolerance, loss_abs: tolerance, grad_abs: tolerance }),
  float32: z.looseObject({ logits_abs: tolerance, loss_abs: tolerance, grad_rel_to_max: tolerance }),
});
type Tolerances = z.output<typeof toleranceSchema>;

const caseSchema = z.looseObject({
  file: baseName,
  weights: baseName,
  config: z.looseObject({}),
  loss_f64: z.number(),
  loss_f32: z.number(),
  accuracy: z.number(),
  adamw_trace_f64: z
    .looseObject({
      lr: z.number(),
      betas: z.tuple([z.number(), z.number()]),
      eps: z.number(),
      weight_decay: z.number(),
      clip: z.number(),
      losses: z.array(z.number()).nonempty(),
    })
    .optional(),
});
type Case = z.output<typeof caseSchema>;

/** Runs one case in one dtype. @throws ConfigError, CheckpointError, ... when the case cannot be run */
export async function runResidualCase(
  content: unknown,
  folder: string,
  tolerances: unknown,
  place: ParityPlace,
): Promise<Measurement[]> {
  const golden = parseConfig(content, caseSchema, 'case');
  const limits = parseConfig(tolerances, toleranceSchema, 'tolerance');
  const { config } = fromHuggingFace(golden.config, 'case config');
  return scope(async () => {
    const weights = path.join(folder, golden.weights);
    const file = path.join(folder, golden.file);
    const tensors = new Map([...(await loadSafetensors(weights)), ...(await loadSafetensors(file))]);
    const at = (name: string) => tensorOf(tensors, name, file);
    const ids = tensorOf(tensors, 'input_ids', weights).to({ device: place.device });
    const labels = tensorOf(tensors, 'labels', weights).to({ device: place.device });
    using model = ResidualLlama.create(config, place);
    noGrad(() => {
      for (const [name, parameter] of model.namedParameters()) parameter.copy_(at(name));
    });
    const results = await compareForward(model, ids, labels, golden, tensors, file, limits, place);
    results.push(...(await compareGradients(model, ids, labels, tensors, limits, place)));
    if (place.dtype === 'float64' && golden.adamw_trace_f64 !== undefined) {
      results.push(traceAdamW(model, ids, labels, golden.adamw_trace_f64, limits));
    }
    return results;
  });
}

async function compareForward(
  model: ResidualLlama,
  ids: Tensor,
  labels: Tensor,
  golden: Case,
  tensors: Map<string, Tensor>,
  file: string,
  tolerances: Tolerances,
  { dtype }: ParityPlace,
): Promise<Measurement[]> {
  const suffix = dtype === 'float64' ? 'f64' : 'f32';
  const { logits_abs, loss_abs } = tolerances[dtype];
  const logits = await difference(
    noGrad(() => model.forward(ids)),
    tensorOf(tensors, `logits_${suffix}`, file),
  );
  const states: number[] = [];
  const hidden = noGrad(() => model.hiddenStates(ids));
  for (const [index, state] of hidden.entries()) {
    const expected = tensors.get(`hidden_${suffix}.${index}`) ?? tensors.get(`hidden_f64.${index}`);
    if (expected !== undefined) states.push((await difference(state, expected)).absolute);
  }
  const { loss, correct, predicted } = await model.evaluate(ids, labels);
  const expectedLoss = golden[`loss_${suffix}`];
  return [
    ...worst(`${dtype} logits`, logits_abs, [logits.absolute]),
    ...worst(`${dtype} hidden states`, logits_abs, states),
    ...worst(`${dtype} loss`, loss_abs, [Math.abs(loss - expectedLoss)]),
    ...worst(`${dtype} accuracy`, accuracyTolerance, [Math.abs(correct / predicted - golden.accuracy)]),
  ];
}

/** Gradients are compared with those of the same dtype; where only the other was written down, as float32 ones are. */
async function compareGradients(
  model: ResidualLlama,
  ids: Tensor,
  labels: Tensor,
  tensors: Map<string, Tensor>,
  tolerances: Tolerances,
  { dtype }: ParityPlace,
): Promise<Measurement[]> {
  const has = (prefix: string) => [...tensors.keys()].some((name) => name.startsWith(`${prefix}.`));
  const own = dtype === 'float64' ? 'grad_f64' : 'grad_f32';
  const prefix = [own, 'grad_f64', 'grad_f32'].find(has);
  if (prefix === undefined) return [];
  model.zeroGrad();
  model.loss(ids, labels).backward();
  const exact = prefix === 'grad_f64' && dtype === 'float64';
  const errors: number[] = [];
  for (const [name, parameter] of model.namedParameters()) {
    const golden = tensors.get(`${prefix}.${name}`);
    if (golden === undefined) throw new CheckpointError(`there is no ${prefix}.${name}`);
    const actual = parameter.grad;
    if (actual === null) throw new CheckpointError(`${name} got no gradient`);
    const { absolute, magnitude } = await difference(actual, golden);
    errors.push(exact || magnitude === 0 ? absolute : absolute / magnitude);
  }
  const { float64, float32 } = tolerances;
  return worst(`${dtype} gradients`, exact ? float64.grad_abs : float32.grad_rel_to_max, errors);
}

/** The losses of a few clipped AdamW steps on the same batch. Changes the model. */
function traceAdamW(
  model: ResidualLlama,
  ids: Tensor,
  labels: Tensor,
  trace: NonNullable<Case['adamw_trace_f64']>,
  tolerances: Tolerances,
): Measurement {
  using optimizer = new AdamW(decayGroups(model, trace.weight_decay), {
    lr: trace.lr,
    betas: trace.betas,
    eps: trace.eps,
  });
  const errors = trace.losses.map((expected) =>
    scope(() => {
      optimizer.zeroGrad();
      const loss = model.loss(ids, labels);
      loss.backward();
      clipGradNorm(model.parameters(), trace.clip);
      optimizer.step();
      return Math.abs(loss.item() - expected);
    }),
  );
  // An update divides by the gradient's own size, so that the trace is as exact as the gradients are.
  return worst('float64 AdamW trace', tolerances.float64.grad_abs, errors)[0]!;
}
