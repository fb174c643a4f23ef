/** Text as it grows by tokens. */

/** U+FFFD at the end: the bytes of a character are not all there yet. */
const unfinished = '\ufffd';

/**
 * Turns tokens into the pieces of text they add. A token's text depends on those before it, and a character can need several tokens: each
 * piece is what the newest tokens add to a decoded window of the text, once its last character is whole.
 */
export class TextStream {
  #tokens: number[] = [];
  /** Tokens from `#start` on are decoded together; those before `#shown` have been given out. */
  #start = 0;
  #shown = 0;

  constructor(private readonly decode: (ids: readonly number[]) => Promise<string>) {}

  /** The text that one more token adds; empty while a character is not whole. */
  async push(token: number): Promise<string> {
    this.#tokens.push(token);
    const piece = await this.#newText();
    if (piece === '' || piece.endsWith(unfinished)) return '';
    this.#start = this.#shown;
    this.#shown = this.#tokens.length;
    return piece;
  }

  /** What is left at the end: bytes that never became a character show as U+FFFD. */
  async end(): Promise<string> {
    const piece = await this.#newText();
    this.#start = this.#shown = this.#tokens.length;
    return piece;
  }

  async #newText(): Promise<string> {
    const [before, all] = await Promise.all([
      this.decode(this.#tokens.slice(this.#start, this.#shown)),
      this.decode(this.#tokens.slice(this.#start)),
    ]);
    return all.slice(before.length);
  }
}
