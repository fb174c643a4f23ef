/** The `model:` section of a study: sizes, or the folder of a pretrained model, which brings them. */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import { z } from 'zod';

import { TorchwrightError } from '../errors';
import { parseJson } from '../json';
import { checkSizes, deriveSizes, size, sizesShape, type ModelConfig } from './config';
import { fromHuggingFace } from './huggingface';

/** A size without which there is no model; a pretrained one brings it. */
const needed = (field: z.ZodNumber) =>
  field
    .optional()
    .refine((value) => value !== undefined, {
      message: 'missing; expected a whole number, or pretrained, which brings it',
      abort: true, // nothing can be said of how sizes fit together
    })
    .transform((value) => value);

const filledSchema = z
  .strictObject({
    /** Folder of a Llama model of Hugging Face's layout. Training starts from its weights; it brings the sizes and, by default, the tokenizer. */
    pretrained: z.string().min(1).optional(),
    /** Default: as many as the tokenizer has. */
    vocabSize: size.optional(),
    ...sizesShape,
    hiddenSize: needed(sizesShape.hiddenSize),
    numHiddenLayers: needed(sizesShape.numHiddenLayers),
    numAttentionHeads: needed(sizesShape.numAttentionHeads),
  })
  .superRefine(checkSizes)
  .transform(deriveSizes);

/** The `model:` section, where the vocabulary's size may be left to the tokenizer, and all sizes to a pretrained model. */
export const modelSectionSchema = z.preprocess(fillFromPretrained, filledSchema) as z.ZodType<
  z.output<typeof filledSchema>,
  z.input<typeof filledSchema>
>;

/** What a pretrained model decides, and a study may only repeat. */
const decided = [
  'vocabSize',
  'hiddenSize',
  'intermediateSize',
  'numHiddenLayers',
  'numAttentionHeads',
  'numKeyValueHeads',
  'headDim',
  'maxPositionEmbeddings',
  'rmsNormEps',
  'ropeTheta',
  'ropeScaling',
  'tieWordEmbeddings',
  'attentionBias',
  'mlpBias',
] as const satisfies (keyof ModelConfig)[];

/** The section with everything that its pretrained model brings. */
function fillFromPretrained(section: unknown, context: z.RefinementCtx): unknown {
  if (typeof section !== 'object' || section === null || Array.isArray(section)) return section;
  // Named even where they are missing: an absent optional key is not complained about.
  const given: Record<string, unknown> = {
    hiddenSize: undefined,
    numHiddenLayers: undefined,
    numAttentionHeads: undefined,
    ...section,
  };
  const { pretrained } = given;
  if (typeof pretrained !== 'string' || pretrained === '') return given;
  const complain = (key: string, message: string) =>
    context.addIssue({ code: 'custom', path: [key], message, input: given[key] });
  let held: ModelConfig;
  try {
    held = readModelConfig(pretrained);
  } catch (error) {
    // A run can be evaluated, from the sizes written down in it, where the model it began with is gone.
    if (decided.every((key) => given[key] !== undefined)) return given;
    complain('pretrained', (error as Error).message);
    return z.NEVER;
  }
  for (const key of decided) {
    if (given[key] === undefined) given[key] = held[key];
    else if (!isDeepStrictEqual(given[key], held[key])) {
      const [wanted, found] = [given[key], held[key]].map((value) => JSON.stringify(value));
      complain(key, `${wanted} is not that of the pretrained model, which is ${found}; leave it out`);
    }
  }
  given.residual ??= held.residual;
  return given;
}

/** The configuration in a model folder. Read at once, as the configuration that names the folder is. @throws Error */
function readModelConfig(folder: string): ModelConfig {
  const file = path.join(folder, 'config.json');
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) {
    throw new Error(`there is no ${file}; give the folder of a Llama model of Hugging Face's layout`);
  }
  try {
    return fromHuggingFace(parseJson(readFileSync(file)), file).config;
  } catch (error) {
    if (error instanceof TorchwrightError) throw error;
    throw new Error(`${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
