/**
 * A byte-level BPE trained on a text. The trainer of the `tokenizers` package takes no options: it always goes to 30,000
 * entries and leaves out bytes it has not seen. Its merges come in learned order, though, so that the first of them, with the special
 * token and all 256 bytes before them, are exactly the smaller vocabulary, and one that loses no byte.
 */
import { open, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { DataError, LoadError } from '../errors';
import { byteCharacters, byteLevelTokenizerJson, endOfText, type Merge } from './byte-level';
import { cached, sha256 } from './cache';
import { runProgram } from './program';
import { maxBpeVocabSize } from './schema';
import type { Text } from './text';

/** Written as a string because it runs in a process of its own, where the trainer's unstoppable progress lines are dropped. */
const trainingProgram = `
  const [, library, text, result, addPrefixSpace] = process.argv;
  try {
    const { BPE, Tokenizer, byteLevelPreTokenizer } = require(library);
    const tokenizer = new Tokenizer(BPE.empty());
    tokenizer.setPreTokenizer(byteLevelPreTokenizer(addPrefixSpace === 'true', true));
    tokenizer.train([text]);
    tokenizer.save(result);
  } catch (error) {
    console.log(error.message);
    process.exitCode = 1;
  }
`;

export interface TrainBpeOptions {
  cacheDir: string;
  signal?: AbortSignal | undefined;
  /** Called when the merges are not in the cache and have to be learned. */
  onTrain?: () => void;
}

/**
 * The text of a `tokenizer.json` whose vocabulary has exactly `vocabSize` entries. The same text gives the same tokenizer.
 * @throws DataError when the text gives fewer, naming the largest size it gives
 */
export async function trainBpe(text: Text, vocabSize: number, options: TrainBpeOptions): Promise<string> {
  const learned = await learnMerges(text, false, options);
  const { vocab, merges } = bpeVocabulary(learned, [endOfText], vocabSize, 'data.tokenizer.bpe');
  return byteLevelTokenizerJson(vocab, merges, { specialTokens: [endOfText] });
}

/**
 * All merges that the trainer learns from a text, in the order learned, from the cache or learned now.
 * @param addPrefixSpace whether a blank is put before each line
 */
export async function learnMerges(text: Text, addPrefixSpace: boolean, options: TrainBpeOptions): Promise<Merge[]> {
  const { cacheDir, signal, onTrain } = options;
  const key = sha256(addPrefixSpace ? 'bpe-2-prefix' : 'bpe-2', await text.identity({ signal })).slice(0, 32);
  const { folder } = await cached(cacheDir, 'bpe', key, async (temporary) => {
    onTrain?.();
    const merges = await runTrainer(text, addPrefixSpace, temporary, signal);
    await text.checkUnchanged();
    await writeFile(path.join(temporary, 'merges.json'), JSON.stringify(merges));
    return {};
  });
  return JSON.parse(await readFile(path.join(folder, 'merges.json'), 'utf8')) as Merge[];
}

async function runTrainer(
  text: Text,
  addPrefixSpace: boolean,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<Merge[]> {
  const lines = path.join(folder, 'text');
  const result = path.join(folder, 'trained.json');
  const handle = await open(lines, 'wx');
  try {
    for await (const { rows } of text.read({ signal })) await handle.writeFile(Buffer.concat(rows.flatMap(asLines)));
  } finally {
    await handle.close();
  }
  const args = ['-e', trainingProgram, require.resolve('tokenizers'), lines, result, String(addPrefixSpace)];
  const { code, output } = await runProgram(process.execPath, args, { signal, dropStderr: true });
  if (code !== 0)
    throw new LoadError(`training the tokenizer failed (exit code ${code}): ${output || 'it gave no reason'}`);
  const { model } = JSON.parse(await readFile(result, 'utf8')) as { model: { merges: Merge[] } };
  await rm(lines);
  await rm(result);
  return model.merges;
}

const lineBreak = Buffer.from('\n');

/** A row that ends a line, so that the next one does not continue its last word. */
function asLines(row: Buffer): Buffer[] {
  return row.at(-1) === lineBreak[0] ? [row] : [row, lineBreak];
}

/**
 * A vocabulary of exactly `vocabSize` entries: special tokens, bytes in the order of their characters, then tokens in the order
 * learned, as the trainer numbers them; and the merges that lead to it.
 * @param setting the name of `vocabSize` in a configuration, for the error
 * @throws DataError when there are too few merges, naming the largest size they give
 */
export function bpeVocabulary(
  merges: readonly Merge[],
  specialTokens: readonly string[],
  vocabSize: number,
  setting: string,
): { vocab: Record<string, number>; merges: Merge[] } {
  const tokens = [...specialTokens, ...byteCharacters().sort()];
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const smallest = ids.size;
  let used = 0;
  for (; used < merges.length && ids.size < vocabSize; used++) {
    const token = (merges[used] as Merge).join('');
    if (!ids.has(token)) ids.set(token, ids.size);
  }
  if (ids.size < vocabSize) {
    throw new DataError(
      `a byte-level BPE of ${vocabSize} entries cannot be learned from this text: it gives ${ids.size} at most (from ` +
        `${smallest} to ${maxBpeVocabSize} are possible); lower ${setting} or give more text`,
    );
  }
  return { vocab: Object.fromEntries(ids), merges: merges.slice(0, used) };
}
