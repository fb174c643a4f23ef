/** Counts of n-grams. */

/** Between the parts of an n-gram: no part holds a blank, since parts come from splitting at white space. */
const joint = ' ';

/** How often each run of `order` neighbouring parts occurs. */
export function countNgrams(parts: readonly string[], order: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let start = 0; start + order <= parts.length; start++) {
    const ngram = order === 1 ? parts[start]! : parts.slice(start, start + order).join(joint);
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
  }
  return counts;
}

/** Number of n-grams that both have, each as often as the rarer of its two counts. */
export function countMatches(counts: Map<string, number>, others: Map<string, number>): number {
  let matches = 0;
  for (const [ngram, count] of counts) matches += Math.min(count, others.get(ngram) ?? 0);
  return matches;
}

/** Each n-gram as often as in the map that has most of it. */
export function maximumCounts(maps: readonly Map<string, number>[]): Map<string, number> {
  const [first = new Map<string, number>(), ...rest] = maps;
  const most = new Map(first);
  for (const map of rest) {
    for (const [ngram, count] of map) if (count > (most.get(ngram) ?? 0)) most.set(ngram, count);
  }
  return most;
}
