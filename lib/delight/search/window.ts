/** Texts come in windows, and of a window's texts those of like length are translated together. */

/** Up to `size` items at a time, in their order. */
export async function* windows<T>(items: Iterable<T> | AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let window: T[] = [];
  for await (const item of items) {
    window.push(item);
    if (window.length < size) continue;
    yield window;
    window = [];
  }
  if (window.length > 0) yield window;
}

/**
 * Batches of sentences of like length, longest first, so that memory runs out at once or not at all. A batch has at most
 * `batchSentences`, and at most `batchTokens` with padding and eos unless it is one sentence.
 */
export function batchesByLength<T extends { ids: readonly number[] }>(
  sentences: readonly T[],
  { batchTokens, batchSentences }: { batchTokens: number; batchSentences: number },
): T[][] {
  const batches: T[][] = [];
  let batch: T[] = [];
  let longest = 0;
  for (const sentence of sentences.toSorted((a, b) => b.ids.length - a.ids.length)) {
    const isFull = batch.length === batchSentences || (batch.length + 1) * longest > batchTokens;
    if (batch.length === 0 || isFull) {
      batches.push((batch = []));
      longest = sentence.ids.length + 1;
    }
    batch.push(sentence);
  }
  return batches;
}
