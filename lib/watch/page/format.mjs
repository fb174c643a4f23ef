/** Numbers as readers want them. All take null for what is not known. */
/* global plotParts */
const unknown = '–';

/** `12.3 k` from 10,000 on, three digits. */
export const short = (value) => (value === null ? unknown : plotParts.short(value, 3));

/** So many digits in all, with an exponent for what is tiny or huge. */
export function number(value, digits = 4) {
  if (value === null) return unknown;
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6))
    return value.toExponential(Math.min(2, digits - 1)).replace('e+', 'e');
  return value.toPrecision(digits);
}

/** A learning rate: `0.0003`, `1.25e-5`. */
export const rate = (value) => (value === null ? unknown : String(Number(value.toPrecision(3))));

export const whole = (value) => (value === null ? unknown : value.toLocaleString('en-US'));

export const percent = (value) =>
  value === null ? unknown : `${Number((100 * value).toPrecision(value < 0.1 ? 2 : 3))} %`;

/** As short as it can be: for axes. */
export const plain = (value) => String(Number(value.toPrecision(6)));

export function bytes(value) {
  if (!value) return value === 0 ? '0' : unknown;
  const [size, unit] = value >= 1e9 ? [1e9, 'GB'] : value >= 1e6 ? [1e6, 'MB'] : [1e3, 'kB'];
  return `${Number((value / size).toPrecision(3))} ${unit}`;
}

/** `2 h 05 min`, `3 min 20 s`, `4.2 s`, `31 ms`. */
export function duration(value) {
  if (value === null) return unknown;
  const two = (part) => String(part).padStart(2, '0');
  if (value < 0.0095) return value === 0 ? '0' : `${Number((value * 1000).toPrecision(2))} ms`;
  if (value < 1) return `${Math.round(value * 1000)} ms`;
  if (value < 60) return `${Number(value.toPrecision(value < 10 ? 2 : 3))} s`;
  const seconds = Math.round(value);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  const minutes = Math.round(value / 60);
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
  return `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`;
}

const reasons = {
  steps: 'all steps made',
  epochs: 'all epochs made',
  tokens: 'all tokens seen',
  minutes: 'time is up',
  'early-stopping': 'stopped early',
  stopped: 'stopped',
  'data-ended': 'data ended',
  failed: 'failed',
};

/** Why a training ended. */
export const ended = (reason) => reasons[reason] ?? reason;
