/** Values as Python writes them: dictionaries, tuples, lists, texts, whole numbers, True, False and None. Nothing is calculated. */

export type PythonValue = null | boolean | number | string | PythonValue[] | Map<PythonValue, PythonValue>;

/** No header of an array is deeper. */
const deepest = 32;

const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r', '\\': '\\', "'": "'", '"': '"' };

/** A cursor over one text. */
export class PythonLiteral {
  #at = 0;
  #depth = 0;

  private constructor(readonly text: string) {}

  /** The value, or undefined when the text is something else. */
  static read(text: string): PythonValue | undefined {
    const literal = new PythonLiteral(text);
    const value = literal.#value();
    return literal.#next() === '' ? value : undefined;
  }

  /** The next character that is no blank; empty at the end. */
  #next(): string {
    while (/\s/.test(this.text[this.#at] ?? '')) this.#at++;
    return this.text[this.#at] ?? '';
  }

  #takes(character: string): boolean {
    if (this.#next() !== character) return false;
    this.#at++;
    return true;
  }

  #value(): PythonValue | undefined {
    const first = this.#next();
    if (first === "'" || first === '"') return this.#string();
    if (first === '(' || first === '[' || first === '{') return this.#container(first);
    const [word] = /^(?:[+-]?\d+L?|True|False|None)/.exec(this.text.slice(this.#at, this.#at + 24)) ?? [];
    if (word === undefined) return undefined;
    this.#at += word.length;
    if (word === 'None') return null;
    return word === 'True' || word === 'False' ? word === 'True' : Number(word.replace('L', ''));
  }

  #string(): string | undefined {
    const quote = this.text[this.#at++]!;
    let value = '';
    for (;;) {
      const character = this.text[this.#at++];
      if (character === undefined) return undefined;
      if (character === quote) return value;
      if (character !== '\\') value += character;
      else {
        const escaped = escapes[this.text[this.#at++] ?? ''];
        if (escaped === undefined) return undefined;
        value += escaped;
      }
    }
  }

  #container(open: '(' | '[' | '{'): PythonValue | undefined {
    if (this.#depth >= deepest) return undefined;
    this.#depth++;
    this.#at++;
    const close = open === '(' ? ')' : open === '[' ? ']' : '}';
    const values: PythonValue[] = [];
    const entries = new Map<PythonValue, PythonValue>();
    let separated = true;
    let commas = 0;
    while (!this.#takes(close)) {
      const value = separated ? this.#value() : undefined;
      if (value === undefined) return undefined;
      if (open === '{') {
        const entry = this.#takes(':') ? this.#value() : undefined;
        if (entry === undefined || entries.has(value)) return undefined;
        entries.set(value, entry);
      } else values.push(value);
      separated = this.#takes(',');
      if (separated) commas++;
    }
    this.#depth--;
    if (open === '{') return entries;
    // Parentheses around one value are only parentheses.
    return open === '(' && values.length === 1 && commas === 0 ? values[0] : values;
  }
}
