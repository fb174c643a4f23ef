/**
 * Which differences a comparison shows, in words. The rule: with several seeds, Welch's t interval for the difference of the two means, at
 * a confidence of 95 % for all comparisons with the reference together (Bonferroni), or for all pairs where the reference is the best, which
 * chance has helped to choose; a difference is claimed when its interval leaves out 0. One seed tells nothing of the spread, so nothing is claimed.
 */
import { welchInterval, type Difference } from '../../metrics';
import type { BaseRow, Score } from './row';

const confidence = 0.95;

/**
 * @param reference title of the row that the others are compared with
 * @param isChosen whether its score made it the reference
 */
export function findings(
  rows: readonly BaseRow[],
  reference: string | undefined,
  score: Score,
  isChosen = false,
): string[] {
  const base = rows.find(({ title }) => title === reference);
  const others = rows.filter((row) => row !== base);
  if (base === undefined || others.length === 0) return [];
  const spread = (row: BaseRow) => row.spread?.[score.key];
  const own = spread(base);
  if (!rows.some((row) => spread(row)))
    return [
      'One run each: how far numbers spread by chance alone is not known, so no difference can be claimed. Several seeds tell: `--seeds 3`, or `seeds: 3` in the study.',
    ];

  const comparisons = isChosen ? (rows.length * (rows.length - 1)) / 2 : others.length;
  const signed = (value: number) => `${value > 0 ? '+' : ''}${value.toFixed(score.digits)}`;
  const describe = (title: string, { difference, low, high }: Difference) =>
    `${title} ${signed(difference)} (${signed(low)} to ${signed(high)})`;
  const claimed: string[] = [];
  const open: string[] = [];
  const unknown: string[] = [];
  for (const row of others) {
    const theirs = spread(row);
    const interval = own && theirs && welchInterval(theirs, own, 1 - (1 - confidence) / comparisons);
    if (!interval) unknown.push(row.title);
    else if (interval.low > 0 || interval.high < 0) {
      const better = interval.difference < 0 === (score.better === 'lower');
      claimed.push(`${describe(row.title, interval)}, ${better ? 'better' : 'worse'}`);
    } else open.push(describe(row.title, interval));
  }
  const together = comparisons > 1 ? `, together for all ${comparisons}${isChosen ? ' pairs' : ''}` : '';
  return [
    `Differences of mean ${score.name} from ${isChosen ? 'the best, ' : ''}${base.title}, with Welch's 95 % t intervals${together}:`,
    claimed.length > 0
      ? `More than the spread over seeds explains: ${claimed.join('; ')}.`
      : 'None is more than the spread over seeds explains.',
    ...(open.length > 0 ? [`Cannot be claimed: ${open.join('; ')}.`] : []),
    ...(unknown.length > 0 ? [`Too few finished runs to tell: ${unknown.join(', ')}.`] : []),
  ];
}
