import type { Command } from 'commander';

import { interruptible } from './interrupt';

/** Adds `average`: the mean of several models' weights. */
export function addAverage(program: Command): void {
  program
    .command('average')
    .description('average the weights of several models of one kind, such as the last checkpoints of a training')
    .argument('<out>', 'a new folder for the averaged model')
    .argument('<folders...>', "the models' folders; files beside the weights are copied from the last")
    .addHelpText(
      'after',
      `
Examples:
  torchwright average runs/a/averaged runs/a/checkpoints/step-*`,
    )
    .action(async (out: string, folders: string[]) => {
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- loads late, and in one way in CommonJS and tests
      const { averageCheckpoints } = require('../train') as typeof import('../train');
      await interruptible((signal) => averageCheckpoints(folders, out, { signal }));
      console.log(`Mean of ${folders.length} ${folders.length === 1 ? 'model' : 'models'}: ${out}`);
    });
}
