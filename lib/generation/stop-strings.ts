/** Texts that end where certain strings come, which may span several pieces. */

export class StopStrings {
  /** The end of the text so far that may be the beginning of a stop string. */
  #held = '';

  /** @param strings none of them empty */
  constructor(private readonly strings: readonly string[]) {}

  /** What of the text can be given out once `piece` has come; after a stop string, what stood before it. */
  push(piece: string): { text: string; stopped: boolean } {
    const text = this.#held + piece;
    const found = this.strings.map((string) => text.indexOf(string)).filter((place) => place >= 0);
    if (found.length > 0) {
      this.#held = '';
      return { text: text.slice(0, Math.min(...found)), stopped: true };
    }
    const held = Math.max(0, ...this.strings.map((string) => overlap(text, string)));
    this.#held = text.slice(text.length - held);
    return { text: text.slice(0, text.length - held), stopped: false };
  }

  /** What is left at the end. */
  end(): string {
    const held = this.#held;
    this.#held = '';
    return held;
  }
}

/** The greatest length, less than the string's, of an end of `text` that begins `string`. */
function overlap(text: string, string: string): number {
  for (let length = Math.min(text.length, string.length - 1); length > 0; length--)
    if (text.endsWith(string.slice(0, length))) return length;
  return 0;
}
