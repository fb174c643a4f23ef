/**
 * Numbers and JSON as Python prints them, since reports and result files are to be the same, byte for byte, as those of
 * Hugging Face's Trainer.
 */

/**
 * Python's `round(value, digits)`: decides on the exact binary value, a tie goes to the even digit.
 * `toFixed` decides on the exact value too, but sends ties away from zero.
 */
export function roundHalfEven(value: number, digits: number): number {
  if (value === 0) return value; // `toFixed` drops the sign of -0
  const fixed = value.toFixed(digits);
  // A double lies exactly between two decimals of d digits only if it is an odd multiple of 2^-(d+1).
  const isTie = Math.abs((value * 2 ** (digits + 1)) % 2) === 1;
  const last = Number(fixed.at(-1));
  return Number(isTie && last % 2 === 1 ? `${fixed.slice(0, -1)}${last - 1}` : fixed);
}

/** Python's `format(value, '.<digits>f')`. */
export function fixed(value: number, digits: number): string {
  return roundHalfEven(value, digits).toFixed(digits);
}

/** Python's `repr` of a float: the shortest digits that read back the same, `5.0`, `1e-05`, `1e+16`, `inf`, `nan`. */
export function floatRepr(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const [mantissa = '', power = ''] = value.toExponential().split('e');
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) {
    return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  // JavaScript writes these out too, save that it leaves off `.0` and turns to 1e-7 later.
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/** Metrics that Python holds as floats, by name: 5 prints as `5.0`. Any other whole number is an int. */
const floatKey =
  /(^|_)(epoch|loss|accuracy|perplexity|bleu|chrf|runtime|per_second|grad_norm|learning_rate|total_flos|best_metric)$/;

/** Whether Python would hold the metric as an int. */
export function isPythonInt(key: string, value: number): boolean {
  return Number.isInteger(value) && !floatKey.test(key);
}

/** Python's `str` of a metric's value: whole numbers as ints or floats by the metric's name. */
export function numberRepr(key: string, value: number): string {
  return isPythonInt(key, value) ? BigInt(value).toString() : floatRepr(value);
}

export type PythonJson =
  number | string | boolean | null | readonly PythonJson[] | { readonly [key: string]: PythonJson };

/** Python's `json.dumps(value, indent=indent, sort_keys=True)`. */
export function pythonJson(value: PythonJson, indent: number): string {
  return render(value, '', '\n', ' '.repeat(indent));
}

const jsonNumberWords: Record<string, string> = { nan: 'NaN', inf: 'Infinity', '-inf': '-Infinity' };

function render(value: PythonJson, key: string, newline: string, step: string): string {
  if (typeof value === 'number') {
    const text = numberRepr(key, value);
    return jsonNumberWords[text] ?? text;
  }
  if (value === null || typeof value !== 'object') return asciiJson(value);
  const inner = newline + step;
  const isList = isArray(value);
  const items = isList
    ? value.map((item) => render(item, key, inner, step))
    : Object.keys(value)
        .sort()
        .map((name) => `${asciiJson(name)}: ${render(value[name] ?? null, name, inner, step)}`);
  const [open, close] = isList ? '[]' : '{}';
  return items.length === 0 ? `${open}${close}` : `${open}${inner}${items.join(`,${inner}`)}${newline}${close}`;
}

/** `Array.isArray` does not narrow readonly arrays out of a union. */
const isArray = (value: object): value is readonly PythonJson[] => Array.isArray(value);

/** Python escapes everything outside ASCII. */
function asciiJson(value: string | boolean | null): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Reads what `pythonJson` writes: JSON with Python's `NaN` and `Infinity`. */
export function parsePythonJson(text: string): unknown {
  const words = Object.entries(jsonNumberWords);
  // Marks the bare words as strings no metric can hold, then turns the marks into numbers.
  const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g, (part) =>
    part.startsWith('"') ? part : `"\\u0000${part}"`,
  );
  return JSON.parse(marked, (_key, item: unknown) =>
    typeof item === 'string' && words.some(([, word]) => item === `\0${word}`) ? Number(item.slice(1)) : item,
  );
}
