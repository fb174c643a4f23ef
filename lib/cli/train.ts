import type { Command } from 'commander';

import { positiveWhole, stepRange } from './numbers';
import { overridesHelp, runStudyCommand, studyHelp } from './study-command';

interface Options {
  out?: string;
  model?: string;
  resume?: boolean;
  allowChanges?: boolean;
  profileTrace?: [first: number, last: number];
  overfit?: number | true;
  sanity?: boolean;
}

/** Adds `train`: one model of a study. */
export function addTrain(program: Command): void {
  program
    .command('train')
    .description('train one model of a study, and report')
    .argument('<study>', studyHelp)
    .argument('[overrides...]', overridesHelp)
    .option('--model <name>', 'which of the models of a translation or language-model study (default: the first)')
    .option('--out <folder>', "the run's folder, new or empty (default: a new one under the study's output)")
    .option('--resume', 'go on with the run in --out from its newest whole checkpoint, as if it had never been stopped')
    .option('--allow-changes', 'with --resume: go on although the study has changed since; the differences are told')
    .option('--sanity', 'evaluate before the first step, so that what would fail hours later fails now')
    .option(
      '--overfit [batches]',
      'in place of the training, learn the first batches by heart (default: 1), and fail if the loss does not fall by half',
      positiveWhole,
    )
    .option(
      '--profile-trace <steps>',
      "write a Chrome trace of these steps, such as 3-5, to the run's trace.json",
      stepRange,
    )
    .addHelpText(
      'after',
      `
Examples:
  torchwright train demo model.residual=3.2
  torchwright train sotu train.epochs=1 train.precision=bf16 device=cuda --out runs/sotu-short
  torchwright train study.yaml model.residual.site=mlp model.residual.weights=sum model.residual.mode=replace
  torchwright train runs/a/study.yaml --out runs/a --resume
  torchwright train study.yaml --overfit --out runs/check
  torchwright train descriptions-en-de --model DeLighT device=cuda
  torchwright train recipes/wmt14-en-de data.corpus.source=train.en data.corpus.target=train.de models.DeLighT.architecture=delight-wmt14-en-de-256

A study of residual variants trains its model.residual; the others train one of their models.

train.maxSteps, train.epochs, train.maxTrainTokens and train.maxMinutes end a training, whichever is first; so does train.earlyStopping={patience: 3}. A
loss or gradient that is not a finite number ends it before the update, with exit code 1 and the name of the first parameter that has one; so does
--overfit where the batches are not learned. train.deterministic=true allows only operators that give the same bits each time.

The run's folder gets study.yaml (resolved), checkpoints/ with the links best and latest (each a model folder), train_results.json,
eval_results.json, all_results.json, trainer_state.json, metrics.jsonl (every step), the same for TensorBoard (tensorboard --logdir runs), and
report.html; of a translation model also the test set's translations. --profile-trace adds trace.json, for https://ui.perfetto.dev.
While it trains, torchwright watch FOLDER shows its curves in a browser, and samples of what it writes (samples.count, samples.tokens).

Ctrl-C (or SIGTERM) once saves the last whole step and stops, twice stops at once. However a run ended, --resume goes on from its newest
whole checkpoint, and every later loss is that of a run without a break. train.saveEvery says how often there is one: evaluation (default),
epoch, a number of steps, or {minutes: 10}; train.keepLast how many are kept (2) besides the best.`,
    )
    .action(async (source: string, given: string[], { profileTrace: steps, overfit, sanity, ...rest }: Options) => {
      const profile = steps && { steps };
      const overrides = [...given];
      if (sanity) overrides.push('train.sanity=true');
      if (overfit !== undefined) overrides.push(`train.overfit.batches=${overfit === true ? 1 : overfit}`);
      const result = await runStudyCommand((study, options) =>
        study.trainStudy(source, { overrides, profile, ...rest, ...options }),
      );
      console.log(`\nResults: ${result.folder}`);
    });
}
