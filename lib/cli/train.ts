import type { Command } from 'commander';

import { overridesHelp, runStudyCommand } from './study-command';

/** Adds `train`: one variant of a study. */
export function addTrain(program: Command): void {
  program
    .command('train')
    .description("train one model, the study's model.residual, and report")
    .argument('<study>', 'a YAML file, or the name of a shipped study: demo, sotu, note')
    .argument('[overrides...]', overridesHelp)
    .option('--out <folder>', "the run's folder, new or empty (default: a new one under the study's output)")
    .addHelpText(
      'after',
      `
Examples:
  torchwright train demo model.residual=3.2
  torchwright train sotu train.epochs=1 train.precision=bf16 device=cuda --out runs/sotu-short
  torchwright train study.yaml model.residual.site=mlp model.residual.weights=sum model.residual.mode=replace

The run's folder gets study.yaml (resolved), best/ and last/ (model folders), train_results.json, eval_results.json, all_results.json
and trainer_state.json. Ctrl-C keeps the weights of the last step in last/.`,
    )
    .action(async (source: string, overrides: string[], { out }: { out?: string }) => {
      const result = await runStudyCommand((study, options) =>
        study.trainStudy(source, { overrides, out, ...options }),
      );
      console.log(`\nResults: ${result.folder}`);
    });
}
