import { once } from 'node:events';

import type { Command } from 'commander';

import { parseNumber } from './numbers';

interface Options {
  port?: number;
  host?: string;
}

/** Adds `watch`: a live page about runs while they train. */
export function addWatch(program: Command): void {
  program
    .command('watch')
    .description('serve a live page about runs while they train: loss, learning rate, speed, memory, samples, warnings')
    .argument('<runs...>', 'folders of runs, or of comparisons and sweeps that hold runs; they may come later')
    .option(
      '--port <number>',
      'port to serve at; 0 for any that is free (default: 6007, or the next free one)',
      parseNumber,
    )
    .option('--host <address>', 'address to listen at; anybody who reaches it can read the page (default: 127.0.0.1)')
    .addHelpText(
      'after',
      `
Examples:
  torchwright watch runs/a
  torchwright watch runs/a runs/b runs/sweep           compared by colour
  torchwright watch runs --port 8080

The page is for this machine alone unless --host says otherwise. From elsewhere: ssh -L 6007:localhost:6007 MACHINE.
It reads metrics.jsonl of each run, as far as it is written, and changes nothing. Ctrl-C ends it.`,
    )
    .action(async (runs: string[], options: Options) => {
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- loads late, and in one way in CommonJS and tests
      const { watchRuns } = require('../watch') as typeof import('../watch');
      const server = await watchRuns(runs, options);
      console.log(`Watching ${runs.join(', ')} at ${server.url}`);
      await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
      await server.close();
    });
}
