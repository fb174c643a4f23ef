/** How one metric is shown in a report: the layout and rounding of Hugging Face's `metrics_format`. */
import { ArgumentError } from '../errors';
import { isPythonInt, numberRepr, roundHalfEven } from './python';

/** Metrics of a split by Hugging Face's names (`eval_loss`, `train_runtime`, ...), as raw numbers. */
export type Metrics = Record<string, number>;

/**
 * `_mem_` as whole MB, `_runtime` (seconds) as h:mm:ss.cc, `total_flos` as whole GF (2^30), other floats rounded to 4 decimals, ints as
 * they are.
 * @throws ArgumentError for bytes, seconds or FLOPs that are not finite, which have no such form
 */
export function formatMetric(key: string, value: number): string {
  if (key.includes('_mem_')) return `${wholeNumber(key, value) >> 20n}MB`;
  if (key.includes('_runtime')) return formatRuntime(key, value);
  if (key === 'total_flos') return `${wholeNumber(key, value) >> 30n}GF`;
  return numberRepr(key, isPythonInt(key, value) ? value : roundHalfEven(value, 4));
}

function wholeNumber(key: string, value: number): bigint {
  if (!Number.isFinite(value)) throw new ArgumentError(`metric ${key} is ${value}; it must be finite to be printed`);
  return BigInt(Math.trunc(value));
}

const secondsADay = 86_400n;

/** Python's `str(timedelta)` of whole seconds, then hundredths, truncated. */
function formatRuntime(key: string, seconds: number): string {
  const whole = wholeNumber(key, seconds);
  if (seconds < 0) throw new ArgumentError(`metric ${key} is ${seconds}; a runtime cannot be negative`);
  const hundredths = Math.trunc((seconds - Math.trunc(seconds)) * 100);
  const days = whole / secondsADay;
  const rest = whole % secondsADay;
  const two = (part: bigint | number) => String(part).padStart(2, '0');
  const clock = `${rest / 3600n}:${two((rest / 60n) % 60n)}:${two(rest % 60n)}.${two(hundredths)}`;
  return days === 0n ? clock : `${days} day${days === 1n ? '' : 's'}, ${clock}`;
}
