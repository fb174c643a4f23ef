/** This family's golden fixtures: which `index.json` are its own, and their cases. */
import fs from 'node:fs';
import path from 'node:path';

import { CheckpointError } from '../../errors';
import type { Measurement, ParityCase, ParityPlace } from '../../parity';
import { scope } from '../../tensor';
import { blockCases } from './block-cases';
import { Golden } from './golden';
import { layerCases } from './layer-cases';
import { runLanguageModel, runTranslationModel } from './model-cases';
import { tableCases, tableFiles } from './table-cases';
import { runTraining } from './training-case';

const kinds: Record<string, (golden: Golden) => Promise<Measurement[]>> = {
  ...layerCases,
  ...blockCases,
  nmt_model: runTranslationModel,
  lm_model: runLanguageModel,
  training: runTraining,
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

async function runFile(content: unknown, folder: string, name: string, place: ParityPlace): Promise<Measurement[]> {
  return scope(async () => {
    const golden = await Golden.open(content, folder, name, place);
    const { kind } = golden.entry;
    const run = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
    if (run === undefined)
      throw new CheckpointError(`there is no kind ${kind}; known are ${Object.keys(kinds).join(', ')}`);
    const measured = await run(golden);
    golden.checkAllCompared();
    return measured;
  });
}

/**
 * The cases of an index, or undefined when it is not of this family's form: `files`, each of a `kind`. Contents are not trusted: what a case
 * lacks comes out when it runs. Tables that lie beside the index (costs, learning rates) are cases too.
 *
 * @param index - the parsed `index.json`
 * @param folder - where it lies
 * @throws ConfigError for a table of another form, SyntaxError for one that is not JSON
 */
export function parityCases(index: unknown, folder: string): ParityCase[] | undefined {
  if (!isObject(index) || !isObject(index.files)) return undefined;
  const files = Object.entries(index.files);
  if (!files.some(([, content]) => isObject(content) && typeof content.kind === 'string')) return undefined;
  const cases: ParityCase[] = files.map(([name, content]) => ({
    name: name.replace(/\.safetensors$/, ''),
    run: (place) => runFile(content, folder, name, place),
  }));
  for (const name of tableFiles) {
    const file = path.join(folder, name);
    if (fs.existsSync(file)) cases.push(...tableCases(name, JSON.parse(fs.readFileSync(file, 'utf8'))));
  }
  return cases;
}
