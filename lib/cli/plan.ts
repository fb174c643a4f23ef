import type { Command } from 'commander';

import { exitCodes } from './failure';
import { overridesHelp, runStudyCommand, studyHelp } from './study-command';

interface Options {
  model?: string;
  json?: boolean;
}

/** Adds `plan`: what a study's trainings will take, before any begins. */
export function addPlan(program: Command): void {
  program
    .command('plan')
    .description(
      'say what training a study will take: steps, tokens, operations, time, and memory against what is free',
    )
    .argument('<study>', studyHelp)
    .argument('[overrides...]', overridesHelp)
    .option('--model <name>', 'one of its models, or variants (default: all that compare trains)')
    .option('--json', 'print JSON: { name, device, peakFlops, free, trainings: [...] }, in bytes and seconds')
    .addHelpText(
      'after',
      `
Examples:
  torchwright plan demo
  torchwright plan demo --model 3.2 train.batchSize=32
  torchwright plan sotu device=cuda train.precision=bf16
  torchwright plan descriptions-en-de --model DeLighT train.maxTokens=8192 models.DeLighT.activationCheckpointing=true

The data are made ready, as a training would do it, since steps and vocabulary follow from them. Times stand on the speed of this device's
matrix products, measured now, and on what part of it such trainings usually reach. Memory is counted tensor by tensor, and within 15 % of
what trainings were measured to hold. Exit code 1: something does not fit into the memory that is free.`,
    )
    .action(async (source: string, overrides: string[], { model, json }: Options) => {
      const [plan, text] = await runStudyCommand(async (study, options) => {
        const made = await study.planStudy(source, { overrides, model, ...options });
        return [made, study.planText(made)] as const;
      });
      console.log(json ? JSON.stringify(plan, null, 2) : text);
      if (plan.trainings.some(({ memory }) => !memory.fits)) process.exitCode = exitCodes.failed;
    });
}
