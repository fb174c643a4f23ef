/** `parity`: golden fixtures found in a folder, computed anew and compared. */
import fs from 'node:fs';
import path from 'node:path';

import { Option, type Command } from 'commander';

import { ArgumentError } from '../errors';
import type { Measurement, ParityCase, ParityDtype } from '../parity';
import type { Device } from '../tensor';
import { exitCodes } from './failure';

type Parity = typeof import('../parity');
type Family = Pick<typeof import('../residual'), 'parityCases'>;

const indexName = 'index.json';

/** Adds `parity`. */
export function addParity(program: Command): void {
  program
    .command('parity')
    .description('compute every golden case under a folder and compare: outputs, losses, gradients, training, decoding')
    .requiredOption('--fixtures <folder>', 'where to look for index.json files, at any depth')
    .option('--device <device>', 'cpu, cuda or cuda:N', 'cpu')
    .addOption(new Option('--dtype <dtype>', 'only this one (default: both)').choices(['float64', 'float32']))
    .addHelpText(
      'after',
      '\nExample:\n  torchwright parity --fixtures test/fixtures\n\nThe exit code is 0 when all passed and there was at least one.',
    )
    .action(async (options: { fixtures: string; device: Device; dtype?: ParityDtype }) => {
      /* eslint-disable @typescript-eslint/no-require-imports -- loads late, and in one way in CommonJS and tests */
      const parity = require('../parity') as Parity;
      const families = [require('../residual') as Family, require('../delight') as Family];
      /* eslint-enable @typescript-eslint/no-require-imports */
      const dtypes: ParityDtype[] = options.dtype ? [options.dtype] : ['float64', 'float32'];
      const { passed, failed } = await runParity(parity, families, options.fixtures, options.device, dtypes);
      console.log(`${passed} passed, ${failed} failed`);
      if (failed > 0 || passed === 0) process.exitCode = exitCodes.failed;
    });
}

async function runParity(
  parity: Parity,
  families: readonly Family[],
  fixtures: string,
  device: Device,
  dtypes: readonly ParityDtype[],
) {
  const totals = { passed: 0, failed: 0 };
  const report = (name: string, verdict: 'pass' | 'FAIL', detail: string) => {
    totals[verdict === 'pass' ? 'passed' : 'failed'] += 1;
    console.log(`${verdict}  ${name}  ${detail.replaceAll(/\s*\n\s*/g, '; ')}`);
  };
  for (const file of findIndexes(fixtures)) {
    const folder = path.dirname(file);
    const relative = path.relative(fixtures, folder) || path.basename(path.resolve(fixtures));
    let cases: ParityCase[] | undefined;
    try {
      const index: unknown = JSON.parse(fs.readFileSync(file, 'utf8'));
      cases = families.map((family) => family.parityCases(index, folder)).find((found) => found !== undefined);
    } catch (error) {
      report(path.join(relative, indexName), 'FAIL', `cannot be read: ${messageOf(error)}`);
      continue;
    }
    if (cases === undefined) {
      console.log(`skip  ${path.join(relative, indexName)}  has no list of cases in a form that parity knows`);
      continue;
    }
    for (const each of cases) {
      const name = path.join(relative, each.name);
      try {
        const measured: Measurement[] = [];
        for (const dtype of dtypes) measured.push(...(await each.run({ dtype, device })));
        const passed = measured.length > 0 && measured.every(parity.passes);
        report(name, passed ? 'pass' : 'FAIL', describeWorst(parity.farthest(measured)));
      } catch (error) {
        report(name, 'FAIL', `cannot be run: ${messageOf(error)}`);
      }
    }
  }
  return totals;
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

function describeWorst(worst: Measurement | undefined): string {
  return worst === undefined
    ? 'compared nothing'
    : `worst error ${worst.error.toExponential(2)}, tolerance ${worst.tolerance.toExponential(0)} (${worst.what})`;
}

/** Every index.json under a folder, in the order of paths; links to folders are not followed. */
function findIndexes(root: string): string[] {
  if (!fs.statSync(root, { throwIfNoEntry: false })?.isDirectory())
    throw new ArgumentError(`--fixtures ${root} is not a folder.`);
  const found: string[] = [];
  const visit = (folder: string) => {
    for (const entry of fs.readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const place = path.join(folder, entry.name);
      if (entry.isDirectory()) visit(place);
      else if (entry.name === indexName) found.push(place);
    }
  };
  visit(root);
  return found;
}
