/** HTML and SVG out of templates: every value put into one is text and escaped, unless it is markup itself. */

/** Text that has passed through `markup`, or is known to be sound. */
export class Markup {
  constructor(readonly text: string) {}
  toString(): string {
    return this.text;
  }
}

type Value = Markup | string | number | readonly (Markup | string)[];

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
/** Control characters but tab and line break have no place in XML, not even as entities. */
const unsound =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

export function escape(text: string): string {
  return text.replace(unsound, '\ufffd').replace(/[&<>"']/g, (character) => entities[character]!);
}

function render(value: Value): string {
  if (value instanceof Markup) return value.text;
  if (typeof value === 'string') return escape(value);
  if (typeof value === 'number') return String(Math.round(value * 100) / 100);
  return value.map(render).join('');
}

/** A template whose values are escaped; numbers are rounded to hundredths. */
export function markup(strings: TemplateStringsArray, ...values: Value[]): Markup {
  return new Markup(strings.reduce((text, part, index) => `${text}${render(values[index - 1]!)}${part}`));
}

/** Data for a script inside the page: nothing in it can end the script. */
export function scriptData(value: unknown): Markup {
  return new Markup(
    JSON.stringify(value).replace(
      /[<>&\u2028\u2029]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
  );
}
