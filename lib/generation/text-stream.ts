/** Text as it grows by tokens. */

/** U+FFFD at the end: the bytes of a character are not all there yet. */
const unfinished = /\ufffd+$/;

/**
 * Turns tokens into the pieces of text they add. A token's text depends on those before it, and a character can need several tokens: each
 * piece is what the newest tokens add to a decoded window of the text, once its last character is whole.
 */
export class TextStream {
  /** Tokens that are decoded together; those before `#shown` have been given out. */
  #tokens: number[];
  #shown: number;

  /** @param before tokens that stand before the text and are not part of it, the last ones of a prompt */
  constructor(
    private readonly decode: (ids: readonly number[]) => Promise<string>,
    before: readonly number[] = [],
  ) {
    this.#tokens = [...before];
    this.#shown = before.length;
  }

  /** The text that one more token adds; empty while a character is not whole. */
  async push(token: number): Promise<string> {
    this.#tokens.push(token);
    const { piece, cuts } = await this.#newText();
    if (piece === '' || unfinished.test(piece)) return '';
    if (!cuts) this.#tokens = this.#tokens.slice(this.#shown);
    this.#shown = this.#tokens.length;
    return piece;
  }

  /** What is left at the end: bytes that never became a character show as U+FFFD. */
  async end(): Promise<string> {
    const { piece } = await this.#newText();
    this.#shown = this.#tokens.length;
    return piece;
  }

  /** What the tokens after `#shown` add, and whether they begin within a character. */
  async #newText(): Promise<{ piece: string; cuts: boolean }> {
    const [before, all] = await Promise.all([
      this.decode(this.#tokens.slice(0, this.#shown)),
      this.decode(this.#tokens),
    ]);
    const whole = before.replace(unfinished, '');
    return { piece: all.slice(whole.length), cuts: whole !== before };
  }
}
