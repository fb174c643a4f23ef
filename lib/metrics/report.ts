/** The report that a reader sees at the end of training and evaluation. */
import { formatMetric, type Metrics } from './format';

export type Split = 'train' | 'eval' | 'test';

/**
 * The block Hugging Face's Trainer prints, without a line break at its end:
 *
 *     ***** eval metrics *****
 *       epoch        =    5.0
 *       eval_loss    = 2.5789
 *
 * Keys are sorted by code point; names are padded to the longest, values set to the right. Source: spec of
 * `Trainer.log_metrics`.
 */
export function formatMetrics(split: Split, metrics: Metrics): string {
  const rows = Object.entries(metrics)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => [key, formatMetric(key, value)] as const);
  const keyWidth = Math.max(0, ...rows.map(([key]) => key.length));
  const valueWidth = Math.max(0, ...rows.map(([, value]) => value.length));
  const lines = rows.map(([key, value]) => `  ${key.padEnd(keyWidth)} = ${value.padStart(valueWidth)}`);
  return [`***** ${split} metrics *****`, ...lines].join('\n');
}
