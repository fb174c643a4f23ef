import { CheckpointError } from '../errors';
import { readWhole } from '../files';
import { parseJson } from '../json';

/** Configurations and indexes are far smaller. */
const longestJson = 256 * 2 ** 20;

/** Reads a JSON file of a model folder. @throws CheckpointError when it is missing, not UTF-8, not JSON, or has a key twice */
export async function readJson(file: string): Promise<unknown> {
  const content = await readJsonIfAny(file);
  if (content === undefined) throw new CheckpointError(`${file} does not exist.`);
  return content;
}

/** The same, or undefined where there is no such file. */
export async function readJsonIfAny(file: string): Promise<unknown> {
  let bytes: Uint8Array;
  try {
    bytes = await readWhole(file, longestJson);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CheckpointError(`${file} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
  try {
    return parseJson(bytes);
  } catch (error) {
    throw new CheckpointError(`${file} is not JSON: ${(error as Error).message}`, { cause: error });
  }
}
