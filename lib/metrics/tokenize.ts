/** How BLEU cuts text into tokens; the names are sacreBLEU's. */
import { splitWords } from './sentences';

export const bleuTokenizers = ['13a', 'intl', 'char', 'none'] as const;

/**
 * - `13a`: NIST's mteval-v13a, for European languages; the usual choice
 * - `intl`: mteval-v14's international form: punctuation and symbols of all scripts are tokens
 * - `char`: each code point is a token
 * - `none`: the text is already in tokens, with blanks between
 */
export type BleuTokenizer = (typeof bleuTokenizers)[number];

export function tokenize(text: string, tokenizer: BleuTokenizer): string[] {
  return splitWords(separate[tokenizer](text));
}

const separate: Record<BleuTokenizer, (text: string) => string> = {
  '13a': separate13a,
  intl: separateInternational,
  char: (text) => [...text].join(' '),
  none: (text) => text,
};

/** The order matters: `&amp;lt;` becomes `<`. */
const entities = [
  ['&quot;', '"'],
  ['&amp;', '&'],
  ['&lt;', '<'],
  ['&gt;', '>'],
] as const;

/** ASCII punctuation is set apart, save apostrophe and hyphen; period and comma only outside numbers, a hyphen only after a digit. */
function separate13a(text: string): string {
  let line = text.replaceAll('<skipped>', '').replaceAll('-\n', '').replaceAll('\n', ' ');
  for (const [entity, character] of entities) line = line.replaceAll(entity, character);
  return ` ${line} ` // so that the first and last character have neighbours
    .replace(/[ -&(-+/:-@[-`{-~]/gu, ' $& ')
    .replace(/([^0-9])([.,])/gu, '$1 $2 ')
    .replace(/([.,])([^0-9])/gu, ' $1 $2')
    .replace(/([0-9])-/gu, '$1 - ');
}

/** Punctuation is set apart unless it stands between numbers; symbols always are. */
function separateInternational(text: string): string {
  return text
    .replace(/(\P{N})(\p{P})/gu, '$1 $2 ')
    .replace(/(\p{P})(\P{N})/gu, ' $1 $2')
    .replace(/\p{S}/gu, ' $& ');
}
