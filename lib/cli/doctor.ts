import path from 'node:path';

import type { Command } from 'commander';

import { diagnose, type Check } from '../setup/doctor';

const packageRoot = path.resolve(__dirname, '../..');
function print({ name, status, detail, advice }: Check): void {
  const indent = (text: string) => text.replaceAll('\n', '\n    ');
  console.log(`${name}: ${status} - ${indent(detail)}`);
  if (advice) console.log(`    ${indent(advice)}`);
}

/** Adds `doctor`, which works also where nothing is built. */
export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('say what Torchwright finds on this machine: Node, compiler, libtorch, addon, devices')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', '\nThe exit code is 0 only when Torchwright can compute here.')
    .action(async ({ json }: { json?: boolean }) => {
      const diagnosis = await diagnose(packageRoot, path.join(__dirname, 'probe.js'));
      if (json) console.log(JSON.stringify(diagnosis, null, 2));
      else {
        diagnosis.checks.forEach(print);
        console.log(diagnosis.usable ? 'Torchwright is ready.' : 'Torchwright cannot compute here yet.');
      }
      if (!diagnosis.usable) process.exitCode = 1;
    });
}
