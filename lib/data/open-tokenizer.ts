/** Where tokenizers come from: the configuration, or files. */
import { stat } from 'node:fs/promises';
import path from 'node:path';

import { DataError } from '../errors';
import { readWhole } from '../files';
import { parseJson } from '../json';
import { trainBpe, type TrainBpeOptions } from './bpe';
import { endOfText } from './byte-level';
import { ByteTokenizer } from './byte-tokenizer';
import { HuggingFaceTokenizer, type TokenizerSettings } from './huggingface-tokenizer';
import { runProgram } from './program';
import type { DataConfig } from './schema';
import type { Text } from './text';
import type { TextTokenizer } from './tokenizer';

/** The tokenizer that a configuration asks for; a BPE is trained on `trainText`. */
export async function openTokenizer(
  config: DataConfig['tokenizer'],
  trainText: Text,
  options: TrainBpeOptions,
): Promise<TextTokenizer> {
  if (typeof config === 'string') return loadTokenizer(config);
  const json = await trainBpe(trainText, config.bpe, options);
  return HuggingFaceTokenizer.fromJson(json, { bos_token: endOfText, eos_token: endOfText }, 'the trained tokenizer');
}

/**
 * Reads a Hugging Face `tokenizer.json`, or the one in a folder, with the `tokenizer_config.json` beside it where there is one. `bytes` is the
 * tokenizer whose tokens are the bytes of UTF-8.
 * @throws DataError for a file that is missing or is no tokenizer
 */
export async function loadTokenizer(location: string): Promise<TextTokenizer> {
  if (location === 'bytes') return new ByteTokenizer();
  const isFolder = (await stat(location).catch(() => undefined))?.isDirectory() ?? false;
  const file = isFolder ? path.join(location, 'tokenizer.json') : location;
  const json = await readBytes(file);
  if (json === undefined)
    throw new DataError(`there is no tokenizer ${file}; name a tokenizer.json or the folder it is in`);
  parseObject(json, `${file} is not a Hugging Face tokenizer`);
  const settingsFile = path.join(path.dirname(file), 'tokenizer_config.json');
  const settings = await readBytes(settingsFile);
  await tryTokenizer(file);
  const parsed: TokenizerSettings =
    settings === undefined ? {} : parseObject(settings, `${settingsFile} is not a JSON object`);
  return HuggingFaceTokenizer.fromJson(json.toString('utf8'), parsed, file);
}

const trialProgram = `
  const [, library, file] = process.argv;
  const tokenizer = require(library).Tokenizer.fromFile(file);
  for (const text of ['', 'a', 'Hello, world! 123\\n', '\\u00e9\\u65e5\\u{1f600}\\0']) {
    tokenizer.encode(text).then((encoding) => tokenizer.decode(encoding.getIds(), true)).catch(() => {});
  }
`;

/**
 * Some damaged files make the library end the process instead of throwing, so each is tried in a process of its own first.
 * @throws DataError for such a file
 */
export async function tryTokenizer(file: string): Promise<void> {
  const args = ['-e', trialProgram, require.resolve('tokenizers'), file];
  const { code } = await runProgram(process.execPath, args, { dropStderr: true });
  if (code === null) throw new DataError(`${file} is a damaged tokenizer: its parts do not fit together`);
}

/** The largest vocabularies take some ten megabytes. */
const longestFile = 2 ** 30;

async function readBytes(file: string): Promise<Buffer | undefined> {
  try {
    return await readWhole(file, longestFile);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new DataError(`cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
}

/** @param complaint begins the error */
function parseObject(bytes: Buffer, complaint: string): object {
  let content: unknown;
  try {
    content = parseJson(bytes);
  } catch (cause) {
    throw new DataError(`${complaint}: ${(cause as Error).message}`, { cause });
  }
  if (typeof content === 'object' && content !== null && !Array.isArray(content)) return content;
  throw new DataError(`${complaint}: it is ${Array.isArray(content) ? 'a list' : 'a single value'}`);
}
