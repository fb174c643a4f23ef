import type { Command } from 'commander';

import { formatMetrics } from '../metrics';
import { overridesHelp, runStudyCommand } from './study-command';

/** Adds `evaluate`: a finished run's best model, anew. */
export function addEvaluate(program: Command): void {
  program
    .command('evaluate')
    .description("evaluate a run's model on its validation or test data, and print the report; nothing is written")
    .argument('<run>', 'the folder of a run')
    .argument('[overrides...]', overridesHelp)
    .addHelpText(
      'after',
      `
Examples:
  torchwright evaluate runs/a
  torchwright evaluate runs/a train.evalBatchSize=16 device=cuda
  torchwright evaluate runs/translation decode.beams=1`,
    )
    .action(async (folder: string, overrides: string[]) => {
      const result = await runStudyCommand((study, options) => study.evaluateRun(folder, { overrides, ...options }));
      console.log(`${result.title}, ${result.model}\n${formatMetrics(result.split, result.metrics)}`);
    });
}
