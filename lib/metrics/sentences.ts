/** What every score of translations begins with: hypotheses and references that belong together. */
import { ArgumentError } from '../errors';

/** One reference for each hypothesis, or several lists of them: `references[r][i]` is the r-th reference of hypothesis i. */
export type References = readonly string[] | readonly (readonly string[])[];

/**
 * The lists of references, checked against the hypotheses.
 * @throws ArgumentError when there are none, or their number differs from that of the hypotheses
 */
export function alignReferences(hypotheses: readonly string[], references: References): readonly (readonly string[])[] {
  const lists = isLists(references) ? references : [references];
  if (hypotheses.length === 0) throw new ArgumentError('there are no hypotheses to score');
  if (lists.length === 0) throw new ArgumentError('there are no references to score against');
  lists.forEach((list, index) => {
    if (list.length === hypotheses.length) return;
    const which = lists.length === 1 ? 'references' : `references in list ${index + 1}`;
    throw new ArgumentError(
      `there are ${hypotheses.length} hypotheses, but ${list.length} ${which}; each hypothesis needs its own`,
    );
  });
  return lists;
}

function isLists(references: References): references is readonly (readonly string[])[] {
  return references.length > 0 && typeof references[0] !== 'string';
}

/** White space as Python's `str.split` has it: JavaScript's `\s` lacks U+001C to U+001F and U+0085, and takes in U+FEFF. */
const space = '[\\t-\\r\\x1c- \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const spaces = new RegExp(`${space}+`, 'u');
const spacesAtEnd = new RegExp(`${space}+$`, 'u');

/** Words between white space. */
export function splitWords(text: string): string[] {
  return text.split(spaces).filter((word) => word !== '');
}

export function trimEnd(text: string): string {
  return text.replace(spacesAtEnd, '');
}
