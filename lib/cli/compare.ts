import type { Command } from 'commander';

import { exitCodes } from './failure';
import { positiveWhole } from './numbers';
import { overridesHelp, runStudyCommand, studyHelp } from './study-command';

interface Options {
  out?: string;
  seeds?: number;
  resume?: boolean;
}

/** Adds `compare`: all variants or models of a study. */
export function addCompare(program: Command): void {
  program
    .command('compare')
    .description(
      'train all variants or models of a study on the same data in the same order, report each, and compare them',
    )
    .argument('<study>', studyHelp)
    .argument('[overrides...]', overridesHelp)
    .option('--seeds <count>', 'with how many seeds everything is trained, as `seeds=<count>`', positiveWhole)
    .option('--out <folder>', "the comparison's folder, new or empty (default: a new one under the study's output)")
    .option(
      '--resume',
      'go on with the comparison in --out that was stopped; runs that have ended are taken as they are, one that was stopped goes on',
    )
    .addHelpText(
      'after',
      `
Examples:
  torchwright compare demo
  torchwright compare demo 'variants=[baseline, 3.2]' train.maxSteps=200
  torchwright compare demo --seeds 3
  torchwright compare demo 'variants=[baseline, 3.2, 3.2 stored]'
  torchwright compare sotu device=cuda train.precision=bf16 --out runs/sotu
  torchwright compare runs/sotu/study.yaml --out runs/sotu --resume
  torchwright compare translate-demo
  torchwright compare sotu-lm

--seeds 3 repeats everything with three seeds, from the study's own on: the table has means and their spread, and says which differences are more than that.

The folder gets report.html (complete in itself), figures/, comparison.md, comparison.csv and comparison.json, rewritten after each training,
and a run folder for each.`,
    )
    .action(async (source: string, given: string[], { out, seeds, resume }: Options) => {
      const overrides = seeds === undefined ? given : [...given, `seeds=${seeds}`];
      const [comparison, table] = await runStudyCommand(async (study, options) => {
        const finished = await study.runStudy(source, { overrides, out, resume, ...options });
        return [finished, study.comparisonText(finished)] as const;
      });
      console.log(`\n${table}\n\nResults: ${comparison.folder}`);
      if (comparison.rows.some((row) => row.error !== null)) process.exitCode = exitCodes.failed;
    });
}
