/** How tensors are printed: `torch.setPrintOptions`. */
import { ArgumentError } from '../../errors';

export interface PrintOptions {
  /** Digits after the decimal point; default 4. */
  precision: number;
  /** Elements up to which all are shown; of more only those at the edges of each dimension. Default 1000; Infinity for all. */
  threshold: number;
  /** Elements shown at each edge of a dimension; default 3. */
  edgeItems: number;
  /** Characters in a line; default 80. */
  lineWidth: number;
  /** Whether numbers have an exponent; default null: where they differ or are too much for plain ones. */
  sciMode: boolean | null;
}

const defaults: Readonly<PrintOptions> = Object.freeze({
  precision: 4,
  threshold: 1000,
  edgeItems: 3,
  lineWidth: 80,
  sciMode: null,
});

let current = defaults;

/** Beyond this many digits JavaScript writes none. */
const mostDigits = 75;

const valid: { [Name in keyof PrintOptions]: [(value: unknown) => boolean, string] } = {
  precision: [(value) => isWhole(value) && value <= mostDigits, `a whole number from 0 to ${mostDigits}`],
  threshold: [(value) => isWhole(value) || value === Infinity, 'a whole number or Infinity'],
  edgeItems: [(value) => isWhole(value) && value > 0, 'a whole number from 1 on'],
  lineWidth: [(value) => (isWhole(value) && value > 0) || value === Infinity, 'a whole number from 1 on, or Infinity'],
  sciMode: [(value) => typeof value === 'boolean' || value === null, 'true, false or null'],
};

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** What is in force. Given to `setPrintOptions` later it restores it. */
export function getPrintOptions(): PrintOptions {
  return { ...current };
}

/**
 * Changes how tensors are printed, in this thread, from now on. Options not given stay as they are; `{}` changes nothing.
 * @throws ArgumentError for an unknown option or a value it does not take
 */
export function setPrintOptions(options: Partial<PrintOptions>): void {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(valid, name)) {
      throw new ArgumentError(`setPrintOptions: unknown option "${name}"; there are ${Object.keys(valid).join(', ')}.`);
    }
    const [isValid, wanted] = valid[name as keyof PrintOptions];
    if (value !== undefined && !isValid(value)) {
      throw new ArgumentError(`setPrintOptions: ${name} must be ${wanted}, not ${JSON.stringify(value)}.`);
    }
  }
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  current = Object.freeze({ ...current, ...Object.fromEntries(given) });
}
