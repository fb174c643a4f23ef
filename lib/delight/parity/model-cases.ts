/** Golden cases of whole models: their outputs, losses, gradients, decoding step by step, and beam search. */
import { z } from 'zod';

import type { Measurement } from '../../parity';
import { noGrad, torch, type Tensor } from '../../tensor';
import type { LanguageModelConfig } from '../config';
import { DelightLanguageModel } from '../language-model';
import { AdaptiveSoftmax } from '../layers';
import { beamSearch } from '../search';
import { fillModel } from '../state-dict';
import { DelightTransformer } from '../transformer';
import { decodeForced } from './decoded';
import type { Golden } from './golden';
import { originalLanguageConfig, originalTransformerConfig, originalTranslationConfig } from './original-config';

/** The padding id of the original's dictionaries. */
const paddingId = 1;

/** How many targets are not padding: losses of golden files are sums, ours are means. */
const countTargets = (target: Tensor) => noGrad(() => target.ne(paddingId).sum().item());

const parameterCount = (model: { parameters(): Iterable<Tensor> }) =>
  [...model.parameters()].reduce((sum, parameter) => sum + parameter.numel, 0);

const hypothesisSchema = z.looseObject({
  tokens: z.array(z.number()),
  score: z.number(),
  positional_scores: z.array(z.number()),
});

export const translationSchema = z.looseObject({
  config: z.looseObject({}),
  vocab: z.union([z.number(), z.looseObject({ src: z.number(), tgt: z.number() })]),
  num_parameters: z.number().optional(),
  label_smoothing: z.number().default(0.1),
  beam_search: z
    .array(
      z.looseObject({
        beam: z.number(),
        lenpen: z.number(),
        max_len_a: z.number(),
        max_len_b: z.number(),
        hypos: z.array(z.array(hypothesisSchema)),
      }),
    )
    .default([]),
});
type BeamSearches = z.output<typeof translationSchema>['beam_search'];

/** The model of a golden file with its weights, in evaluation mode. */
export function makeTranslationModel(golden: Golden, prefix = 'w'): DelightTransformer {
  const { config, vocab, label_smoothing: labelSmoothing } = golden.fields(translationSchema);
  const sizes = typeof vocab === 'number' ? { source: vocab, target: vocab } : { source: vocab.src, target: vocab.tgt };
  const read = 'delight_emb_map_dim' in config ? originalTranslationConfig : originalTransformerConfig;
  const options = { ...read(config, sizes), labelSmoothing };
  const model = DelightTransformer.create(options, golden.place);
  fillModel(model, golden.weights(prefix), golden.file);
  model.eval();
  return model;
}

export async function runTranslationModel(golden: Golden): Promise<Measurement[]> {
  const { num_parameters: parameters, beam_search: searches } = golden.fields(translationSchema);
  using model = makeTranslationModel(golden);
  const [source, previous, target] = [
    golden.input('src_tokens'),
    golden.input('prev_output_tokens'),
    golden.input('target'),
  ];
  const measured = [
    await golden.output(
      'logits',
      noGrad(() => model.forward(source, previous)),
    ),
  ];
  const { output, paddingMask } = noGrad(() => model.encode(source));
  if (golden.has('out.encoder_out')) measured.push(await golden.output('encoder_out', output));
  if (golden.has('out.encoder_padding_mask')) {
    const mask = paddingMask ?? torch.zeros(source.shape, { dtype: 'bool', device: golden.place.device });
    measured.push(await golden.output('encoder_padding_mask', mask));
  }
  const count = countTargets(target);
  const { loss, nll } = model.loss(source, previous, target);
  measured.push(await golden.output('loss', loss.detach().mul(count), 'loss'));
  if (golden.has('out.nll_loss')) measured.push(await golden.output('nll_loss', nll.detach().mul(count), 'loss'));
  loss.mul(count).backward();
  measured.push(...(await golden.gradients(model, {})));
  if (golden.has('in.prev_nopad')) measured.push(...(await compareDecoding(golden, model, source)));
  if (parameters !== undefined) measured.push(golden.measure('parameters', parameterCount(model), parameters));
  return [...measured, ...(await compareSearches(golden, model, source, searches))];
}

/** A pass over whole targets, and the same token by token. */
async function compareDecoding(golden: Golden, model: DelightTransformer, source: Tensor): Promise<Measurement[]> {
  const previous = golden.input('prev_nopad');
  const measured = [
    await golden.output(
      'logits_nopad',
      noGrad(() => model.forward(source, previous)),
    ),
  ];
  const decoded = await decodeForced(model, [source], previous, model.vocabSize);
  const expected = noGrad(() => golden.tensor('out.logits_incremental').to('float64').logSoftmax(-1));
  return [...measured, await golden.measureTensors('logits_incremental', decoded, expected)];
}

async function compareSearches(
  golden: Golden,
  model: DelightTransformer,
  source: Tensor,
  searches: BeamSearches,
): Promise<Measurement[]> {
  const measured: Measurement[] = [];
  for (const { beam, lenpen, max_len_a, max_len_b, hypos } of searches) {
    const options = { beams: beam, lengthPenalty: lenpen, maxLengthA: max_len_a, maxLengthB: max_len_b };
    const found = await beamSearch(model, source, options);
    const name = `beam search of ${beam}`;
    const same = JSON.stringify(found.map((each) => each.map(({ tokens }) => [...tokens])));
    const differs = same !== JSON.stringify(hypos.map((each) => each.map(({ tokens }) => tokens)));
    measured.push({ what: `${golden.place.dtype} ${name}: tokens differ`, error: Number(differs), tolerance: 0 });
    if (differs) continue;
    hypos.flat().forEach((expected, index) => {
      const actual = found.flat()[index]!;
      measured.push(golden.measure(`${name}, score`, actual.score, expected.score));
      expected.positional_scores.forEach((score, position) =>
        measured.push(golden.measure(`${name}, positional score`, actual.positionalScores[position]!, score)),
      );
    });
  }
  return measured;
}

const languageSchema = z.looseObject({
  config: z.looseObject({}),
  vocab: z.number(),
  num_parameters: z.number().optional(),
});

function makeLanguageModel(golden: Golden, config: LanguageModelConfig): DelightLanguageModel {
  const model = DelightLanguageModel.create(config, golden.place);
  fillModel(model, golden.weights(), golden.file);
  model.eval();
  return model;
}

export async function runLanguageModel(golden: Golden): Promise<Measurement[]> {
  const { config, vocab, num_parameters: parameters } = golden.fields(languageSchema);
  // The golden losses and gradients have the original's fault.
  using model = makeLanguageModel(golden, originalLanguageConfig(config, vocab, true));
  const [source, target] = [golden.input('src_tokens'), golden.input('target')];
  const adaptive = model.config.adaptiveSoftmax !== null;
  const measured: Measurement[] = [];
  if (golden.has('out.features'))
    measured.push(
      await golden.output(
        'features',
        noGrad(() => model.features(source)),
      ),
    );
  const outputs = noGrad(() => model.forward(source));
  if (golden.has('out.logits')) measured.push(await golden.output('logits', outputs));
  if (golden.has('out.log_probs')) measured.push(await golden.output('log_probs', outputs));
  if (golden.has('out.target_log_probs')) {
    const chosen = noGrad(() => outputs.gather(-1, target.unsqueeze(-1)).squeeze(-1));
    measured.push(await golden.output('target_log_probs', chosen));
  }
  const loss = summedLoss(model, source, target);
  measured.push(await golden.output('loss', loss.detach(), 'loss'));
  loss.backward();
  measured.push(...(await golden.gradients(model, {})));
  if (parameters !== undefined) measured.push(golden.measure('parameters', parameterCount(model), parameters));
  if (adaptive) measured.push(...(await compareAdaptive(golden, model, source, target)));
  if (golden.has('in.src_nopad')) measured.push(...(await compareContinuation(golden, model, adaptive)));
  return measured;
}

/**
 * The sum of the losses of `target`, where `target[b, t]` follows `source[b, t]`. The model's own convention is that labels are the ids
 * themselves: so both get a column more, of which nothing depends.
 */
function summedLoss(model: DelightLanguageModel, source: Tensor, target: Tensor): Tensor {
  const last = source.narrow(1, source.size(1) - 1, 1);
  const ids = torch.cat([source, last], 1);
  const labels = torch.cat([last, target], 1);
  return model.loss(ids, labels).mul(countTargets(target));
}

/** The loss without the original's fault, and the logits of head and clusters. */
async function compareAdaptive(
  golden: Golden,
  model: DelightLanguageModel,
  source: Tensor,
  target: Tensor,
): Promise<Measurement[]> {
  const measured: Measurement[] = [];
  if (golden.has('out.loss_without_tail_ignore')) {
    const config = { ...model.config, adaptiveSoftmax: { ...model.config.adaptiveSoftmax!, ignoreTailPad: false } };
    using sane = makeLanguageModel(golden, config);
    const loss = noGrad(() => summedLoss(sane, source, target));
    measured.push(await golden.output('loss_without_tail_ignore', loss, 'loss'));
    const each = noGrad(() => sane.tokenLosses(source, target).sum());
    measured.push(await golden.output('loss_without_tail_ignore', each, 'loss'));
  }
  if (golden.has('out.head_logits')) measured.push(...(await compareLogits(golden, model, target)));
  return measured;
}

/** The adaptive output layer alone, with the model's weights and without a padding id: golden logits are of all positions. */
function outputLayer(golden: Golden, model: DelightLanguageModel, inFeatures: number): AdaptiveSoftmax {
  const { vocabSize, adaptiveSoftmax, adaptiveInput } = model.config;
  const { cutoffs, factor, tieWeights, tieProjections } = adaptiveSoftmax!;
  const tied = tieWeights && adaptiveInput ? { initialFeatures: inFeatures, tieProjections } : null;
  const layer = new AdaptiveSoftmax({ vocabSize, inFeatures, cutoffs, factor, tied }, golden.place);
  const weights = new Map<string, Tensor>();
  for (const [name, parameter] of model.namedParameters()) {
    weights.set(name.replace(/^decoder\.(?:adaptive_softmax|embed_tokens)\./, ''), parameter);
  }
  layer.loadStateDict([...layer.stateDict().keys()].map((name) => [name, weights.get(name)!] as const));
  layer.eval();
  return layer;
}

async function compareLogits(golden: Golden, model: DelightLanguageModel, target: Tensor): Promise<Measurement[]> {
  const features = golden.tensor('out.features').to({ dtype: golden.place.dtype });
  using layer = outputLayer(golden, model, features.size(-1));
  const { head, tails } = noGrad(() => layer.logits(features, target));
  const measured = [await golden.output('head_logits', head)];
  for (const [tail, logits] of tails.entries()) {
    if (logits !== null && golden.has(`out.tail${tail}_logits`))
      measured.push(await golden.output(`tail${tail}_logits`, logits));
  }
  return measured;
}

/** A text without padding, in one pass and token by token. Decoding gives probabilities, so those of the golden steps are compared. */
async function compareContinuation(
  golden: Golden,
  model: DelightLanguageModel,
  adaptive: boolean,
): Promise<Measurement[]> {
  const ids = golden.input('src_nopad');
  const full = noGrad(() => (adaptive ? model.features(ids) : model.forward(ids)));
  const measured = [await golden.output('full_nopad', full)];
  if (!golden.has('out.incremental_nopad')) return measured;
  const steps = golden.tensor('out.incremental_nopad').to({ dtype: golden.place.dtype });
  const decoded = await decodeForced(model, [], ids, model.vocabSize);
  using layer = adaptive ? outputLayer(golden, model, steps.size(-1)) : null;
  const expected = noGrad(() => (layer ? layer.logProbabilities(steps) : steps.logSoftmax(-1)));
  return [...measured, await golden.measureTensors('out.incremental_nopad', decoded, expected)];
}
