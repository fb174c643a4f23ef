/** A study of decoders whose residual stream is recomputed: one model, on which data, how trained, and which variants are compared. */
import { z } from 'zod';

import { dataSchema } from '../../data/schema';
import { residualOverrideSchema, residualSchema, residualTitle, type ResidualConfig } from '../../residual/config';
import { modelSectionSchema } from '../../residual/section';
import { variantNames } from '../../residual/variant';
import { trainSectionSchema } from '../../train/config';
import { header, slugOf } from '../shared/header';

/** Where a pretrained model is trained on, its tokenizer is the one that belongs to it. */
function useItsTokenizer(study: unknown): unknown {
  const { model, data } = (study ?? {}) as { model?: { pretrained?: unknown }; data?: { tokenizer?: unknown } };
  const pretrained = model?.pretrained;
  if (typeof pretrained !== 'string' || typeof data !== 'object' || data === null) return study;
  return { ...(study as object), data: { ...data, tokenizer: data.tokenizer ?? pretrained } };
}

const shape = {
  ...header,
  model: modelSectionSchema,
  /** What `compare` trains: names (`baseline`, `'3.2'`) or the switches in which each differs from `model.residual`. Default: all seven. */
  variants: z
    .array(residualOverrideSchema)
    .min(1)
    .prefault([...variantNames]),
  data: dataSchema,
  train: trainSectionSchema.prefault({}),
};

const filledSchema = z.strictObject(shape).superRefine((study, context) => {
  const seen = new Map<string, number>();
  study.variants.forEach((override, index) => {
    const merged = residualSchema.safeParse({ ...study.model.residual, ...override });
    if (!merged.success) {
      for (const { message, path: inner } of merged.error.issues) {
        context.addIssue({ code: 'custom', path: ['variants', index, ...inner], message, input: override });
      }
      return;
    }
    const title = residualTitle(merged.data);
    const first = seen.get(title);
    if (first === undefined) seen.set(title, index);
    else
      context.addIssue({
        code: 'custom',
        path: ['variants', index],
        message: `is ${title} again, as variants.${first}`,
        input: override,
      });
  });
});

/** The schema of a `study.yaml` without `task`. */
export const studySchema = z.preprocess(useItsTokenizer, filledSchema) as z.ZodType<
  z.output<typeof filledSchema>,
  z.input<typeof filledSchema>
>;

/** The resolved configuration of a study. */
export type StudyConfig = z.output<typeof studySchema>;
/** What a user writes. */
export type StudyInput = z.input<typeof studySchema>;

/** One variant of a study, ready to be trained. */
export interface StudyVariant {
  /** `Method 3.2`, with the switches that differ from the defaults. */
  title: string;
  /** The title as a folder's name: `method-3.2`. */
  slug: string;
  residual: ResidualConfig;
}

export function studyVariant(residual: ResidualConfig): StudyVariant {
  const title = residualTitle(residual);
  return { title, slug: slugOf(title), residual };
}

/** The variants a study compares, in its order. */
export function studyVariants(study: StudyConfig): StudyVariant[] {
  return study.variants.map((override) => studyVariant(residualSchema.parse({ ...study.model.residual, ...override })));
}
