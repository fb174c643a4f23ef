import type { Command } from 'commander';

/** Adds `report`: one page about runs that were saved before. */
export function addReport(program: Command): void {
  program
    .command('report')
    .description(
      'build one HTML page, complete in itself, from saved runs: table, curves, quality against cost, learned weights',
    )
    .argument('<runs...>', 'folders of runs, comparisons and sweeps, also of different ones')
    .option('--out <file>', 'the page (default: report.html in the folder, or here for several); figures go beside it')
    .addHelpText(
      'after',
      `
Examples:
  torchwright report runs/demo-2031-05-04_13-07-59
  torchwright report runs/a runs/b runs/comparison/method-3.2 --out compared/report.html

Every run and comparison gets this page by itself. Runs that differ in their seed only are taken together.`,
    )
    .action(async (runs: string[], { out }: { out?: string }) => {
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- loads late, and in one way in CommonJS and tests
      const { reportRuns } = require('../study') as typeof import('../study');
      console.log(await reportRuns(runs, out));
    });
}
