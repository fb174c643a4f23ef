import fs from 'node:fs/promises';

import { CheckpointError } from '../errors';

/** Reads a JSON file of a model folder. @throws CheckpointError when it is missing or not JSON */
export async function readJson(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await fs.readFile(file, 'utf8');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new CheckpointError(`${file} ${missing ? 'does not exist' : 'cannot be read'}.`, { cause: error });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CheckpointError(`${file} is not JSON: ${(error as Error).message}`, { cause: error });
  }
}
