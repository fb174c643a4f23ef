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
const maxRatio = 2;
/** Counted differently in the two; only some of its verses differ enough in length to show. */
const shiftedBook = 'Jonah.';
/** The 66 books have 31,102 verses; far fewer mean that the modules were not understood. */
const fewestPairs = 25_000;

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

/**
 * Verses of the same name, English as the source. Some chapters begin or end at another verse in the other Bible; such a chapter shows by
 * another last verse (then the next one is shifted too) or by several verses of very different lengths, and is left out.
 */
export function alignVerses(english: Map<string, string>, spanish: Map<string, string>): SideTexts {
  const lastSpanish = lastVerses(spanish);
  const lastEnglish = lastVerses(english);
  const isShifted = (chapter: string) => lastEnglish.get(chapter) !== lastSpanish.get(chapter);
  const pairs: SideTexts = { source: [], target: [] };
  for (const [chapter, names] of versesByChapter(english)) {
    const found = names.flatMap((name) => {
      const [source = '', target = ''] = [english.get(name), spanish.get(name)];
      return target === '' ? [] : [{ source, target, isFar: areFar(source, target) }];
    });
    const areSeveralFar = found.filter(({ isFar }) => isFar).length > 1;
    if (isShifted(chapter) || isShifted(chapterBefore(chapter)) || areSeveralFar || chapter.startsWith(shiftedBook))
      continue;
    for (const { source, target, isFar } of found) {
      if (isFar) continue;
      pairs.source.push(source);
      pairs.target.push(withoutInitials(target));
    }
  }
  return pairs;
}

function versesByChapter(verses: Map<string, string>): Map<string, string[]> {
  const chapters = new Map<string, string[]>();
  for (const name of verses.keys()) {
    const names = chapters.get(chapterOf(name));
    if (names) names.push(name);
    else chapters.set(chapterOf(name), [name]);
  }
  return chapters;
}

/** The last verse of each chapter. */
function lastVerses(verses: Map<string, string>): Map<string, string> {
  return new Map([...verses.keys()].map((name) => [chapterOf(name), name]));
}

/** `Gen.1` for `Gen.2`; the name of no chapter for a first one. */
function chapterBefore(chapter: string): string {
  const [book = '', number = ''] = chapter.split('.');
  return `${book}.${Number(number) - 1}`;
}

function chapterOf(verse: string): string {
  return verse.slice(0, verse.lastIndexOf('.'));
}

function areFar(a: string, b: string): boolean {
  return Math.max(a.length, b.length) > maxRatio * Math.min(a.length, b.length);
}

/** The Spanish edition prints the first word of a chapter in capitals. */
function withoutInitials(verse: string): string {
  return verse.replace(
    /^(\P{L}*(?:\p{Lu} )?\p{Lu})(\p{Lu}+)/u,
    (_, first: string, rest: string) => first + rest.toLowerCase(),
  );
}
