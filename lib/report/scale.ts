/** From numbers to places in a figure, and round numbers to write beside an axis. */

export interface Scale {
  /** The place of a value. */
  at(value: number): number;
  ticks: readonly number[];
  /** A tick as text, all of an axis with as many decimals. */
  label(tick: number): string;
}

/** A linear scale that holds all values and some room around them. Values that are not finite do not count. */
export function linearScale(values: readonly number[], [from, to]: readonly [number, number], count = 5): Scale {
  const finite = values.filter(Number.isFinite);
  let [low, high] = [Math.min(...finite), Math.max(...finite)];
  if (finite.length === 0) [low, high] = [0, 1];
  const size = Math.max(Math.abs(low), Math.abs(high));
  // Nearer to each other than figures tell, they are one value.
  const room = high - low > 1e-9 * size && size > 1e-30 ? (high - low) * 0.04 : size > 1e-30 ? size * 0.1 : 1;
  const [start, end] = [low >= 0 ? Math.max(0, low - room) : low - room, high + room];
  const step = roundStep((end - start) / count);
  const first = Math.ceil(start / step);
  const ticks = Array.from({ length: Math.floor(end / step) - first + 1 }, (_, index) => (first + index) * step);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return {
    at: (value) => from + ((value - start) / (end - start)) * (to - from),
    ticks,
    label: (tick) => shortNumber(tick, decimals),
  };
}

/** A logarithmic scale that holds all values, which are above 0, and some room around them. */
export function logScale(values: readonly number[], [from, to]: readonly [number, number], count = 5): Scale {
  const finite = values.filter(Number.isFinite).map(Math.log10);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const room = Math.max(0.05 * (high - low), 0.05);
  const [start, end] = [low - room, high + room];
  const decades = Array.from(
    { length: Math.ceil(end) - Math.floor(start) + 1 },
    (_, index) => Math.floor(start) + index,
  );
  const ticksOf = (factors: readonly number[]) =>
    decades
      .flatMap((decade) => factors.map((factor) => Number(`${factor}e${decade}`)))
      .filter((tick) => Math.log10(tick) >= start && Math.log10(tick) <= end);
  const whole = ticksOf([1]);
  return {
    at: (value) => from + ((Math.log10(value) - start) / (end - start)) * (to - from),
    ticks: whole.length * 2 >= count ? whole : ticksOf([1, 2, 5]),
    label: (tick) => (tick < 1e-4 ? tick.toExponential(0) : tick < 1e4 ? String(tick) : shortNumber(tick, 0)),
  };
}

/** The nearest of 1, 2, 5 times a power of ten that is not below. */
export function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  return ([1, 2, 5].find((factor) => factor * power >= step * (1 - 1e-9)) ?? 10) * power;
}

const units: [number, string][] = [
  [1e15, 'P'],
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
];

/** `15 k` from 10,000 on; others with so many decimals, or with an exponent where they are tiny. */
export function shortNumber(value: number, decimals: number): string {
  const unit = Math.abs(value) >= 1e4 ? units.find(([size]) => Math.abs(value) >= size) : undefined;
  if (decimals > 8) return value.toExponential(2);
  return unit ? `${Number((value / unit[0]).toPrecision(4))} ${unit[1]}` : value.toFixed(decimals);
}
