import type { Command } from 'commander';

import { overridesHelp, runStudyCommand, studyHelp } from './study-command';

/** Adds `train`: one model of a study. */
export function addTrain(program: Command): void {
  program
    .command('train')
    .description('train one model of a study, and report')
    .argument('<study>', studyHelp)
    .argument('[overrides...]', overridesHelp)
    .option('--model <name>', 'which of the models of a translation or language-model study (default: the first)')
    .option('--out <folder>', "the run's folder, new or empty (default: a new one under the study's output)")
    .addHelpText(
      'after',
      `
Examples:
  torchwright train demo model.residual=3.2
  torchwright train sotu train.epochs=1 train.precision=bf16 device=cuda --out runs/sotu-short
  torchwright train study.yaml model.residual.site=mlp model.residual.weights=sum model.residual.mode=replace
  torchwright train descriptions-en-de --model DeLighT device=cuda
  torchwright train recipes/wmt14-en-de data.corpus.source=train.en data.corpus.target=train.de models.DeLighT.architecture=delight-wmt14-en-de-256

A study of residual variants trains its model.residual; the others train one of their models.

The run's folder gets study.yaml (resolved), best/ and last/ (model folders), train_results.json, eval_results.json, all_results.json,
trainer_state.json, metrics.jsonl (every step) and report.html; of a translation model also the test set's translations. Ctrl-C keeps the weights of the last step in last/.`,
    )
    .action(async (source: string, overrides: string[], { out, model }: { out?: string; model?: string }) => {
      const result = await runStudyCommand((study, options) =>
        study.trainStudy(source, { overrides, out, model, ...options }),
      );
      console.log(`\nResults: ${result.folder}`);
    });
}
