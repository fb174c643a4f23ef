/** The `models:` section of a study: each model's own configuration under its name. The first is the one that the others are related to. */
import { z } from 'zod';

import { ConfigError } from '../../errors';
import { scaledLearningRate } from '../../optim/update-schedule';
import { slugOf } from '../shared/header';

/** The section, over the schema of one model. */
export function modelsSchema<Model extends z.ZodType>(model: Model) {
  return z.record(z.string(), model).superRefine((models, context) => {
    const names = Object.keys(models);
    const complain = (path: string[], message: string) =>
      context.addIssue({ code: 'custom', path, message, input: models });
    if (names.length === 0) complain([], 'expected at least one model, such as `DeLighT: { type: delight, ... }`');
    const seen = new Map<string, string>();
    for (const name of names) {
      const first = seen.get(slugOf(name));
      // Other names could not be set on the command line (dots), or would change their place (numbers).
      if (!/^[A-Za-z][\w +-]*$/.test(name))
        complain([name], 'the name of a model is letters, digits, blanks, "_", "+" or "-", and begins with a letter');
      else if (first !== undefined) complain([name], `this name and ${first} would have the same folder`);
      else seen.set(slugOf(name), name);
    }
  });
}

/** The highest rates of single models, in place of `train.learningRate`: models of different kinds and widths learn best at different ones. */
export const learningRatesSchema = z
  .record(
    z.string(),
    z.union([
      z.number().nonnegative(),
      z.strictObject({
        /** The rate at `hiddenSize` = `width`; in inverse proportion at others, at most 0.01: the rule of the published recipes. */
        lr: z.number().positive(),
        width: z.int().positive(),
        /** Decimals that it is rounded to. */
        digits: z.int().min(1).max(12),
      }),
    ]),
  )
  .default({});

export type LearningRates = z.output<typeof learningRatesSchema>;

interface ModelsStudy<Model> {
  models: Record<string, Model>;
  learningRates: LearningRates;
}

/** Refuses rates of models that the study does not have. */
export function checkLearningRates({ models, learningRates }: ModelsStudy<unknown>, context: z.RefinementCtx): void {
  for (const name of Object.keys(learningRates)) {
    if (Object.hasOwn(models, name)) continue;
    const message = `there is no such model; there are ${Object.keys(models).join(', ')}`;
    context.addIssue({ code: 'custom', path: ['learningRates', name], message, input: learningRates[name] });
  }
}

/** One model of a study, ready to be trained. */
export interface StudyModel<Model> {
  title: string;
  /** The title as a folder's name. */
  slug: string;
  config: Model;
}

export function studyModels<Model>(models: Record<string, Model>): StudyModel<Model>[] {
  return Object.entries(models).map(([title, config]) => ({ title, slug: slugOf(title), config }));
}

/** A model of a study by its name; the first where none is given. @throws ConfigError */
export function findModel<Model>(models: Record<string, Model>, name: string | undefined): StudyModel<Model> {
  const all = studyModels(models);
  const found = name === undefined ? all[0] : all.find(({ slug }) => slug === slugOf(name));
  if (found) return found;
  throw new ConfigError(`The study has no model ${name}; it has ${all.map(({ title }) => title).join(', ')}.`);
}

/** The study's training section with the model's own highest rate. */
export function trainSectionOf<Section extends { learningRate: number }>(
  { learningRates, train }: { learningRates: LearningRates; train: Section },
  { title, config }: StudyModel<{ hiddenSize: number }>,
): Section {
  const rule = learningRates[title];
  if (rule === undefined) return train;
  return { ...train, learningRate: typeof rule === 'number' ? rule : scaledLearningRate(config.hiddenSize, rule) };
}

/** The study with one of its models alone. */
export const aloneOf = <
  Study extends ModelsStudy<unknown> & { train: { learningRate: number }; seeds?: unknown },
  Model extends { hiddenSize: number },
>(
  study: Study,
  entry: StudyModel<Model>,
) => studyOf(study, entry, entry.config);

/** The same with every size filled in: what trains the same model by itself. */
export function studyOf<
  Study extends ModelsStudy<unknown> & { train: { learningRate: number }; seeds?: unknown },
  Model extends { hiddenSize: number },
>(study: Study, entry: StudyModel<Model>, config: object): object {
  const { seeds: _seeds, ...resolved } = study;
  return { ...resolved, models: { [entry.title]: config }, learningRates: {}, train: trainSectionOf(study, entry) };
}
