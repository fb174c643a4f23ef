/** Numbers in decimal digits, rounded to the nearest and ties to even, as C and Python round; JavaScript rounds ties up. */

/** A double within so many digits of a tie is one. */
const tieDigits = 25;

/** `precision` digits after the point: `3.1416`, `-0.0000`, `inf`, `nan`. */
export function fixed(value: number, precision: number): string {
  if (!Number.isFinite(value)) return nonFinite(value);
  const size = Math.abs(value);
  // Numbers this large are whole, and toFixed would give them an exponent.
  if (size >= 1e21) return signed(value, String(BigInt(size)) + (precision > 0 ? `.${'0'.repeat(precision)}` : ''));
  // Of doubles only odd multiples of a power of two can lie halfway between two decimals.
  const halves = size * 2 ** (precision + 1);
  if (Number.isSafeInteger(halves) && halves % 2 === 1) {
    const down = withoutPoint(size.toFixed(precision + 1).slice(0, -1));
    if (isEven(down)) return signed(value, down);
  }
  return signed(value, size.toFixed(precision));
}

/** One digit before the point and `precision` after it: `3.1416e+00`, `-1.0000e-10`, `inf`, `nan`. */
export function exponential(value: number, precision: number): string {
  if (!Number.isFinite(value)) return nonFinite(value);
  const size = Math.abs(value);
  const [digits, power] = parts(size.toExponential(precision + tieDigits));
  const down = withoutPoint(digits.slice(0, -tieDigits));
  const tie = /^50*$/.test(digits.slice(-tieDigits));
  const [mantissa, exponent] = tie && isEven(down) ? [down, power] : parts(size.toExponential(precision));
  return signed(value, `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`);
}

function parts(exponential: string): [mantissa: string, exponent: string] {
  const [mantissa, exponent] = exponential.split('e') as [string, string];
  return [mantissa, exponent];
}

function withoutPoint(digits: string): string {
  return digits.endsWith('.') ? digits.slice(0, -1) : digits;
}

function isEven(digits: string): boolean {
  return Number(digits.at(-1)) % 2 === 0;
}

function signed(value: number, digits: string): string {
  return value < 0 || Object.is(value, -0) ? `-${digits}` : digits;
}

function nonFinite(value: number): string {
  return Number.isNaN(value) ? 'nan' : value < 0 ? '-inf' : 'inf';
}
