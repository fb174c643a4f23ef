/** A sentence as it is kept: one line, words parted by single blanks. */

/** White space that parts words or lines. Other blanks, such as the French no-break space, are part of the text. */
const whiteSpace = /[\t-\r \u0085\u2028\u2029]+/g;

const isUnclean = /[\t-\r\u0085\u2028\u2029]|^ | $| {2}/;

export function cleanSentence(text: string): string {
  return isUnclean.test(text) ? text.replace(whiteSpace, ' ').replace(/^ | $/g, '') : text;
}
