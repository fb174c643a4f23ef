import type { Command } from 'commander';

import { exitCodes } from './failure';
import { interruptible } from './interrupt';
import { positiveWhole } from './numbers';
import { studyHelp } from './study-command';
import { SweepConsole } from './sweep-console';

interface Options {
  out?: string;
  seeds?: number;
  processes: number;
  resume?: boolean;
}

/** Adds `sweep`: one training with many settings. */
export function addSweep(program: Command): void {
  program
    .command('sweep')
    .description(
      'train one model of a study with every combination of settings, some at a time, and compare them in one table',
    )
    .argument('<study>', studyHelp)
    .argument(
      '[settings...]',
      'section.key=value,value for what is swept, section.key=value for what all have; values are YAML, so [a, b] is one value',
    )
    .option('--seeds <count>', 'with how many seeds everything is trained, as `seeds=<count>`', positiveWhole)
    .option(
      '--processes <count>',
      'how many trainings at a time; threads and GPUs are divided between them',
      positiveWhole,
      1,
    )
    .option('--out <folder>', "the sweep's folder, new or empty (default: a new one under the study's output)")
    .option(
      '--resume',
      'go on with the sweep in --out that was stopped; trainings that have ended are taken as they are, the others go on from their checkpoints',
    )
    .addHelpText(
      'after',
      `
Examples:
  torchwright sweep demo train.learningRate=1e-3,3e-3
  torchwright sweep demo train.learningRate=1e-3,3e-3 model.hiddenSize=64,128 train.maxSteps=200 --seeds 3 --processes 2
  torchwright sweep demo 'model.residual=baseline,3.2,3.2 stored'
  torchwright sweep translate-demo model=Transformer,DeLighT train.weightDecay=0,0.1
  torchwright sweep sweep.yaml --out runs/sweep
  torchwright sweep runs/sweep/sweep.yaml --out runs/sweep --resume

A study of residual variants trains its model.residual; the others train their first model, or the one that \`model\` names.

A file may say what is swept, too:
  extends: demo
  sweep:
    grid: { train.learningRate: [1e-3, 3e-3], model.hiddenSize: [64, 128] }   # every combination
    list:                                                                     # keys that go together
      - { train.batchSize: 8, train.maxSteps: 400 }
      - { train.batchSize: 16, train.maxSteps: 200 }

The folder gets report.html, figures/, sweep.md, sweep.csv and sweep.json, rewritten after each training, and a run folder for each. Ctrl-C
saves all trainings and stops.`,
    )
    .action(async (source: string, given: string[], { out, seeds, processes, resume }: Options) => {
      const overrides = seeds === undefined ? given : [...given, `seeds=${seeds}`];
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- loads late, and in one way in CommonJS and tests
      const { runSweep } = require('../study') as typeof import('../study');
      const view = new SweepConsole();
      const result = await interruptible((signal) =>
        runSweep(source, { overrides, out, processes, resume, signal, onEvent: view.show }),
      ).finally(() => view.close());
      console.log(`\n${result.text}\n\nResults: ${result.folder}`);
      if (result.rows.some((row) => row.error !== null)) process.exitCode = exitCodes.failed;
    });
}
