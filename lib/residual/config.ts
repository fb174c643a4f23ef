/**
 * The configuration of a recomputed-residual Llama decoder: the argument of `ResidualLlama.create`, and the keys of a study's `model:` section.
 * Names are Hugging Face's in camelCase; the residual switches are those of the reference, each default reproducing the note's numbers.
 */
import { z } from 'zod';

import { ConfigError } from '../errors';
import { ropeScalingSchema } from './rope';
import { parseVariant, sites, variantTitle, weightings } from './variant';

export const size = z
  .int()
  .positive()
  .max(2 ** 31 - 1);

/** The switches without defaults: what a comparison's entry may override. */
const residualShape = {
  /** Where earlier layers are recomputed; `none` is the plain Llama decoder. */
  site: z.enum(sites),
  /** How the recomputed outputs and the layer's own are weighted: 1 each, 1/n each, or learned. */
  weights: z.enum(weightings),
  /** `recomputed`: earlier layers run again on the current stream. `stored`: their own outputs are added as they were. */
  source: z.enum(['recomputed', 'stored']),
  /** `add`: the residual is kept and the sum added. `replace`: the sum stands in its place (the note's literal words). */
  mode: z.enum(['add', 'replace']),
  /** With `replace`: whether layer 0, which has no earlier layer, keeps its ordinary residual. */
  firstLayer: z.enum(['standard', 'none']),
  /** What earlier layers are recomputed on: the layer's input, or (site `mlp` only) the stream after its attention. */
  input: z.enum(['layer', 'mid']),
  /** How many of the nearest earlier layers take part; 0 means all. */
  window: z.int().nonnegative(),
  /** With `mean` or `learned`: whether the weights run over the earlier layers and the current one, or the earlier ones only. */
  normSet: z.enum(['with_current', 'earlier']),
  /** With `learned`: softmax of the parameters, or the parameters themselves. */
  weightParam: z.enum(['softmax', 'free']),
  /** Whether gradients stop at the kept attention probabilities. */
  detachProbs: z.boolean(),
};

/** A variant's name, anywhere a residual section may stand, means its site and weights; with `stored` behind it, its source too. */
function expandName(value: unknown, context: z.RefinementCtx): unknown {
  if (typeof value !== 'string' && typeof value !== 'number') return value;
  const name = String(value).replace(/[ -]stored$/i, '');
  try {
    const variant = parseVariant(name);
    if (name === String(value)) return variant;
    if (variant.site !== 'none') return { ...variant, source: 'stored' };
    throw new ConfigError(`"${value}" names no residual variant: the baseline adds no earlier outputs.`);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message, input: value });
    return z.NEVER;
  }
}

const switchesSchema = z
  .strictObject({
    site: residualShape.site.default('none'),
    weights: residualShape.weights.default('sum'),
    source: residualShape.source.default('recomputed'),
    mode: residualShape.mode.default('add'),
    firstLayer: residualShape.firstLayer.default('standard'),
    input: residualShape.input.default('layer'),
    window: residualShape.window.default(0),
    normSet: residualShape.normSet.default('with_current'),
    weightParam: residualShape.weightParam.default('softmax'),
    detachProbs: residualShape.detachProbs.default(false),
  })
  .refine((residual) => residual.input === 'layer' || residual.site !== 'attention', {
    path: ['input'],
    message: 'must be "layer" where the site is "attention": the stream after the attention does not exist yet',
  })
  .refine((residual) => residual.input === 'layer' || residual.source === 'recomputed', {
    path: ['input'],
    message: 'must be "layer" where the source is "stored": stored outputs were computed on their own streams',
  })
  .refine((residual) => !residual.detachProbs || residual.source === 'recomputed', {
    path: ['detachProbs'],
    message: 'must be false where the source is "stored": stored outputs keep no attention probabilities',
  });

const overrideSchema = z.strictObject(residualShape).partial();

type Switches = z.input<typeof overrideSchema>;

/** The `residual:` section: a variant's name (`'3.2'`, `'3.2 stored'`) or its switches. */
export const residualSchema = z.preprocess(expandName, switchesSchema) as z.ZodType<
  z.output<typeof switchesSchema>,
  string | number | Switches
>;

/** One entry of a comparison: a variant's name, or the switches in which it differs from the study's `model.residual`. */
export const residualOverrideSchema = z.preprocess(expandName, overrideSchema) as z.ZodType<
  z.output<typeof overrideSchema>,
  string | number | Switches
>;

export type ResidualConfig = z.output<typeof residualSchema>;
export type ResidualOverride = z.output<typeof residualOverrideSchema>;

/** All keys but the vocabulary's size. */
export const sizesShape = {
  /** Width of the residual stream. */
  hiddenSize: size,
  /** Default: 8/3 of `hiddenSize`, rounded up to a multiple of 16. */
  intermediateSize: size.optional(),
  numHiddenLayers: size.max(2 ** 16),
  numAttentionHeads: size,
  /** Default: `numAttentionHeads`. */
  numKeyValueHeads: size.optional(),
  /** Default: `hiddenSize / numAttentionHeads`. */
  headDim: size.optional(),
  /** Told to other programs; rotary positions go on beyond it, so longer blocks are not refused. */
  maxPositionEmbeddings: size.default(2048),
  /** Added to the mean square in RMSNorm. */
  rmsNormEps: z.number().positive().default(1e-5),
  /** Base of the rotary positions' wavelengths. */
  ropeTheta: z.number().positive().default(10000),
  /** How rotary positions are stretched for texts longer than those of the training; null: not at all. */
  ropeScaling: ropeScalingSchema.nullable().default(null),
  /** Whether the look-up table is also the output layer. */
  tieWordEmbeddings: z.boolean().default(false),
  /** Whether the attention's projections have biases. */
  attentionBias: z.boolean().default(false),
  /** Whether the MLP's projections have biases. */
  mlpBias: z.boolean().default(false),
  /** Standard deviation of the initial weights. */
  initializerRange: z.number().positive().default(0.02),
  /** Hugging Face's key; Llama configurations have 0, and nothing else is supported. */
  attentionDropout: z.literal(0).default(0),
  /** Whether training drops each layer's inner activations and makes them anew in the backward pass: less memory, more time, the same numbers. */
  activationCheckpointing: z.boolean().default(false),
  /**
   * GiB that the attention probabilities kept for later layers may take in one pass. Where they need more, only queries and keys are kept and
   * the probabilities computed again at each use: less memory, more time, the same numbers.
   */
  probabilityBudget: z.number().nonnegative().default(4),
  /** A variant's name (`3.2`, `'3.2 stored'`), or its switches. Default: the baseline. */
  residual: residualSchema.prefault({}),
};

interface Sizes {
  hiddenSize: number;
  intermediateSize?: number | undefined;
  numAttentionHeads: number;
  numKeyValueHeads?: number | undefined;
  headDim?: number | undefined;
  ropeScaling?: { type: string } | null;
}

export function checkSizes(sizes: Sizes, context: z.RefinementCtx): void {
  const {
    hiddenSize,
    numAttentionHeads: heads,
    numKeyValueHeads: keyValueHeads = heads,
    headDim = hiddenSize / heads,
  } = sizes;
  const complain = (key: keyof Sizes, message: string) =>
    context.addIssue({ code: 'custom', path: [key], message, input: sizes[key] });
  if (sizes.headDim === undefined && hiddenSize % heads !== 0) {
    complain(
      'numAttentionHeads',
      `${heads} heads do not divide hiddenSize ${hiddenSize}; change one of them or give headDim`,
    );
  } else if (headDim % 2 !== 0) {
    complain(
      sizes.headDim === undefined ? 'numAttentionHeads' : 'headDim',
      `a head of ${headDim} channels cannot carry rotary positions, which rotate pairs; the head size must be even`,
    );
  }
  if (sizes.ropeScaling?.type === 'dynamic' && headDim < 4) {
    complain('ropeScaling', 'of type "dynamic" needs heads of at least 4 channels');
  }
  if (heads % keyValueHeads !== 0) {
    complain('numKeyValueHeads', `${keyValueHeads} key/value heads do not divide ${heads} attention heads`);
  }
}

export function deriveSizes<S extends Sizes>(sizes: S) {
  return {
    ...sizes,
    intermediateSize: sizes.intermediateSize ?? Math.ceil((8 * sizes.hiddenSize) / 3 / 16) * 16,
    numKeyValueHeads: sizes.numKeyValueHeads ?? sizes.numAttentionHeads,
    headDim: sizes.headDim ?? sizes.hiddenSize / sizes.numAttentionHeads,
  };
}

/** A complete model configuration, with derived sizes filled in. */
export const modelSchema = z
  .strictObject({ vocabSize: size, ...sizesShape })
  .superRefine(checkSizes)
  .transform(deriveSizes);

/** The resolved configuration of a model. */
export type ModelConfig = z.output<typeof modelSchema>;

/** What a caller writes: sizes, and whatever differs from the defaults. */
export type ModelOptions = Omit<z.input<typeof modelSchema>, 'residual'> & {
  residual?: string | number | Partial<ResidualConfig>;
};

/** The switches in which a residual differs from the defaults and that act on its variant, as words for a title. */
function switchWords(residual: ResidualConfig): string[] {
  if (residual.site === 'none') return [];
  const weighted = residual.weights !== 'sum';
  const words: [boolean, string][] = [
    [residual.source === 'stored', 'stored'],
    [residual.mode === 'replace', 'replace'],
    [residual.mode === 'replace' && residual.firstLayer === 'none', 'first layer none'],
    [residual.input === 'mid', 'mid'],
    [residual.window > 0, `window ${residual.window}`],
    [weighted && residual.normSet === 'earlier', 'earlier'],
    [residual.weights === 'learned' && residual.weightParam === 'free', 'free'],
    [residual.detachProbs, 'detach'],
  ];
  return words.filter(([acts]) => acts).map(([, word]) => word);
}

/** The title of a residual for tables: `Method 3.2`, or `Method 1 (replace, window 2)` where switches differ from the defaults. */
export function residualTitle(residual: ResidualConfig): string {
  const words = switchWords(residual);
  return variantTitle(residual) + (words.length > 0 ? ` (${words.join(', ')})` : '');
}
