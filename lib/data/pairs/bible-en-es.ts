/**
 * The Bible in English (World English Bible) and Spanish (Reina and Valera, 1909), verse by verse. Both are in the public domain; the Spanish
 * is archaic. They come as Debian packages of the SWORD project's modules.
 */
import { DataError } from '../../errors';
import { withPackages, type AptOptions } from './apt';
import { readVerses } from './sword';
import type { SideTexts } from './types';

const packages = ['sword-text-web', 'sword-text-sparv'];
/** Beyond this ratio of their lengths in characters, two verses are counted differently in the two, or hold something else besides. */
const maxRatio = 2.2;
/** Counted differently in the two; only some of its verses differ enough in length to show. */
const shiftedBook = 'Jonah';
/** The 66 books have 31,102 verses; far fewer mean that the modules were not understood. */
const fewestPairs = 30_000;

export async function fetchBible(options: AptOptions): Promise<SideTexts> {
  return withPackages(packages, options, async ([english = '', spanish = '']) => {
    const pairs = alignVerses(await readVerses(english), await readVerses(spanish));
    if (pairs.source.length >= fewestPairs) return pairs;
    throw new DataError(
      `the packages ${packages.join(' and ')} of this machine's Debian release gave ${pairs.source.length} verses that belong together, ` +
        `fewer than ${fewestPairs}: their form has changed; use Debian 12, or name files of pairs by their path instead`,
    );
  });
}

/** Verses of the same name, English as the source. */
export function alignVerses(english: Map<string, string>, spanish: Map<string, string>): SideTexts {
  const pairs: SideTexts = { source: [], target: [] };
  for (const [name, source] of english) {
    const target = spanish.get(name);
    if (target === undefined || name.startsWith(`${shiftedBook}.`)) continue;
    const [shorter, longer] = [source.length, target.length].sort((a, b) => a - b) as [number, number];
    if (longer > maxRatio * shorter) continue;
    pairs.source.push(source);
    pairs.target.push(target);
  }
  return pairs;
}
