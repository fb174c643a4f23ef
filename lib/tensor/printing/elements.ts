/** How the elements of one tensor are written: all in one form and of one width, which follow from all that are shown. */
import type { DataArray, Dtype } from '../dtype';
import { exponential, fixed } from './decimal';
import type { PrintOptions } from './options';

/** Numbers are written with an exponent where the largest is so many times the smallest, or beyond these sizes. */
const wideRatio = 1000;
const large = 1e8;
const small = 1e-4;

/** Elements as text, and the width that a line reckons for each. */
export interface Texts {
  texts: string[];
  width: number;
}

/** @param data the elements, as they are read back from a tensor of this dtype */
export function writeElements(data: DataArray, dtype: Dtype, options: PrintOptions): Texts {
  if (dtype === 'complex64' || dtype === 'complex128') return writeComplex(data as Float64Array, options);
  if (data instanceof Float32Array || data instanceof Float64Array) return padded(writeFloats(data, options));
  const write = dtype === 'bool' ? (value: number | bigint) => String(value !== 0) : String;
  const texts = Array.from<number | bigint, string>(data, write);
  return padded({ texts, width: widest(texts) });
}

/** Zeros, infinities and nan fit in where they can, but do not make the others wider. */
function writeFloats(values: Float32Array | Float64Array, { precision, sciMode }: PrintOptions): Texts {
  const telling = values.filter((value) => value !== 0 && Number.isFinite(value));
  let smallest = Infinity;
  let largest = 0;
  for (const value of telling) {
    smallest = Math.min(smallest, Math.abs(value));
    largest = Math.max(largest, Math.abs(value));
  }
  const withExponent = sciMode ?? (largest / smallest > wideRatio || largest > large || smallest < small);
  let write: (value: number) => string;
  if (withExponent && telling.length > 0) write = (value) => exponential(value, precision);
  else if (telling.every(Number.isInteger)) write = (value) => fixed(value, 0) + (Number.isFinite(value) ? '.' : '');
  else write = (value) => fixed(value, precision);
  return { texts: Array.from(values, write), width: widest(Array.from(telling, write)) };
}

/** `1.0000-2.5000j`: the parts have a form and width each. */
function writeComplex(pairs: Float64Array, options: PrintOptions): Texts {
  const real = padded(
    writeFloats(
      pairs.filter((_, place) => place % 2 === 0),
      options,
    ),
  );
  const imaginary = writeFloats(
    pairs.filter((_, place) => place % 2 === 1),
    options,
  );
  const texts = real.texts.map((text, place) => {
    const part = imaginary.texts[place]!;
    return `${text}${part.startsWith('-') ? '' : '+'}${part}j`;
  });
  return { texts, width: real.width + imaginary.width + 1 };
}

function padded({ texts, width }: Texts): Texts {
  return { texts: texts.map((text) => text.padStart(width)), width };
}

function widest(texts: readonly string[]): number {
  return texts.reduce((width, { length }) => Math.max(width, length), 1);
}
