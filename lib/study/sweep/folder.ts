/** The folder of a sweep: which sweep it holds, and the table of what has ended. */
import fs from 'node:fs/promises';
import path from 'node:path';

import { parse } from 'yaml';

import { formatConfig } from '../../config';
import { reportName } from '../../curves';
import { ArgumentError } from '../../errors';
import { writeFileAtomically } from '../../files';
import { writeReport } from '../../report';
import { describeDifferences, differencesOf } from '../../train';
import type { SweepTable } from './table';

/** A study's file with a section `sweep:`, all that it stood on and all overrides in it. */
export const sweepName = 'sweep.yaml';

export const writeSweepFile = (folder: string, file: object) =>
  writeFileAtomically(path.join(folder, sweepName), formatConfig(file));

/** @throws ArgumentError unless `out` holds a sweep that was begun as this one */
export async function checkSameSweep(file: object, out: string | undefined): Promise<void> {
  if (out === undefined) throw new ArgumentError('To resume a sweep, give its folder as `out` (--out).');
  const begun = path.join(out, sweepName);
  const text = await fs.readFile(begun, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ArgumentError(`${out} holds no sweep to resume: ${error.message}`, { cause: error });
  });
  const differences = differencesOf(parse(text), parse(formatConfig(file)));
  if (differences.length === 0) return;
  throw new ArgumentError(
    `The sweep in ${out} is another one. To go on with it, give ${begun} as the study; for this one, another folder. ` +
      `It differs in:\n${describeDifferences(differences)}`,
  );
}

/** Writes `sweep.md`, `sweep.csv`, `sweep.json` and `report.html` with its figures. */
export async function saveTable(folder: string, table: SweepTable): Promise<void> {
  const write = (name: string, text: string) => writeFileAtomically(path.join(folder, name), text);
  await write('sweep.md', table.markdown);
  await write('sweep.csv', table.csv);
  const { text: _text, ...result } = table.result;
  await write('sweep.json', `${JSON.stringify(result, null, 2)}\n`);
  await writeReport(path.join(folder, reportName), await table.report());
}
