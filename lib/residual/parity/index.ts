/** This family's golden fixtures: which `index.json` are its own, and their cases. */
import type { ParityCase } from '../../parity';
import { runHuggingFaceCase } from './huggingface-case';
import { runResidualCase } from './residual-case';

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The cases of an index, or undefined when it is not of this family's form. Contents are not trusted: what a case lacks comes out when it runs.
 *
 * @param index - the parsed `index.json`
 * @param folder - where it lies
 */
export function parityCases(index: unknown, folder: string): ParityCase[] | undefined {
  if (!isObject(index) || !Array.isArray(index.cases)) return undefined;
  return index.cases.map((content: unknown, number) => ({
    name: isObject(content) && typeof content.name === 'string' ? content.name : `case ${number}`,
    // A case with weights of its own to be named is of the residual form; else its folder is a whole model.
    run: (place) =>
      isObject(content) && 'weights' in content
        ? runResidualCase(content, folder, index.tolerance, place)
        : runHuggingFaceCase(content, folder, place),
  }));
}
