/** What texts begin with. */
import type { TextTokenizer } from '../data';
import { ArgumentError, DataError } from '../errors';

/** A text, or the ids of its tokens. */
export type Prompt = string | readonly number[];

/** One prompt, or several. @throws ArgumentError for anything else */
export function promptsOf(given: Prompt | readonly Prompt[]): readonly Prompt[] {
  if (typeof given === 'string') return [given];
  if (!Array.isArray(given)) {
    throw new ArgumentError(
      `a prompt is a text or an array of token ids, or there are several in an array; not ${String(given)}`,
    );
  }
  const items: readonly unknown[] = given;
  if (items.length === 0) {
    throw new ArgumentError('the prompt has no tokens; give a text, or the token that begins one');
  }
  if (items.every((item) => typeof item === 'number')) return [items];
  const isPrompt = (item: unknown) => typeof item === 'string' || Array.isArray(item);
  const wrong = items.findIndex((item) => !isPrompt(item));
  if (wrong < 0) return items as Prompt[];
  throw new ArgumentError(`prompt ${wrong} is neither a text nor an array of token ids`);
}

interface Reader {
  tokenizer: TextTokenizer | null;
  vocabSize: number;
  /** Begins a text whose prompt has no tokens. */
  bosTokenId: number | null;
}

/**
 * The token ids of a prompt, with the special tokens that the tokenizer adds by itself.
 * @param which names the prompt in errors
 * @throws ArgumentError for a text without a tokenizer and for a prompt without tokens; DataError for ids outside the vocabulary
 */
export async function readPrompt(prompt: Prompt, which: string, reader: Reader): Promise<readonly number[]> {
  const { tokenizer, vocabSize, bosTokenId } = reader;
  if (typeof prompt === 'string' && tokenizer === null) {
    throw new ArgumentError(
      `${which} is a text, and the model has no tokenizer: load it from a folder that holds a tokenizer.json, set model.tokenizer, or ` +
        'give token ids',
    );
  }
  const ids = typeof prompt === 'string' ? await tokenizer!.encode(prompt) : prompt;
  if (ids.length === 0 && typeof prompt === 'string' && bosTokenId !== null) return [bosTokenId];
  if (ids.length === 0) throw new ArgumentError(`${which} has no tokens; give a text, or the token that begins one`);
  const wrong = ids.findIndex((id) => !(Number.isInteger(id) && id >= 0 && id < vocabSize));
  if (wrong >= 0)
    throw new DataError(`${which} holds token id ${ids[wrong]}; the vocabulary has ids 0 to ${vocabSize - 1}`);
  return ids;
}
