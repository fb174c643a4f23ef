/**
 * The descriptions of Debian's packages and their translations by Debian's translators: short technical prose. Each description is under its
 * own package's free licence, so the text is fetched and not handed on. The lists move with Debian's point releases: the hash of
 * the pairs tells which ones were had.
 */
import { readFile } from 'node:fs/promises';

import { DataError } from '../../errors';
import { checkUtf8 } from '../rows';
import { withTranslations, type AptOptions } from './apt';
import { cleanSentence } from './sentence';
import type { SideTexts } from './types';

/** Languages with enough translated descriptions. */
export const debianLanguages = ['en', 'de', 'es', 'fr', 'it', 'ja', 'pl', 'pt_BR', 'ru'] as const;

/** All pairs of two languages, without pairs of equal sides; of those with the same source, the first. */
export async function fetchDescriptions(source: string, target: string, options: AptOptions): Promise<SideTexts> {
  return withTranslations([source, target], options, async (indexes) => {
    const [sources, targets] = [new Map<string, string>(), new Map<string, string>()];
    for (const { language, file } of indexes) {
      const texts = language === source ? sources : language === target ? targets : undefined;
      const bytes = await readFile(file);
      checkUtf8(bytes, file);
      for (const [id, text] of descriptions(bytes.toString('utf8'))) if (texts && !texts.has(id)) texts.set(id, text);
    }
    for (const [language, texts] of [
      [source, sources],
      [target, targets],
    ] as const) {
      if (texts.size > 0) continue;
      throw new DataError(
        `Debian's archive gave no descriptions in ${language}; it was reached, so look whether apt's source is a full mirror`,
      );
    }
    return alignDescriptions(sources, targets);
  });
}

/**
 * Descriptions out of a list of translations, by the hash of the English one that they belong to.
 * @param list stanzas with `Description-md5` and `Description-LANGUAGE`
 */
export function* descriptions(list: string): Generator<[id: string, description: string]> {
  for (const stanza of list.split('\n\n')) {
    const id = /^Description-md5: ([0-9a-f]{32})$/m.exec(stanza)?.[1];
    const text = /^Description-(?!md5)\w+: ([^]*)/m.exec(stanza)?.[1];
    if (id !== undefined && text !== undefined) yield [id, text];
  }
}

/** Pairs of lines and paragraphs of descriptions with the same id. */
export function alignDescriptions(sources: Map<string, string>, targets: Map<string, string>): SideTexts {
  const pairs: SideTexts = { source: [], target: [] };
  const seen = new Set<string>();
  for (const [id, description] of sources) {
    const translation = targets.get(id);
    if (translation === undefined) continue;
    const [ours, theirs] = [paragraphs(description), paragraphs(translation)];
    // The first is the one-line summary; the others only belong together where none was left out or added.
    const aligned = ours.length === theirs.length ? ours.length : 1;
    for (let n = 0; n < aligned; n++) {
      const [source, target] = [ours[n] ?? '', theirs[n] ?? ''];
      if (source === target || !hasLetter(source) || !hasLetter(target) || seen.has(source)) continue;
      seen.add(source);
      pairs.source.push(source);
      pairs.target.push(target);
    }
  }
  return pairs;
}

const bullet = /^\s+[-*+\u2022\u00b7]\s+/;

/** The summary, then paragraphs and items of lists, unwrapped. */
function paragraphs(description: string): string[] {
  const [summary = '', ...lines] = description.split('\n');
  const found = [summary];
  let begins = true;
  for (const line of lines) {
    const isItem = bullet.test(line);
    if (/^\s*\.?\s*$/.test(line)) begins = true;
    else if (begins || isItem) {
      found.push(line.replace(bullet, ''));
      begins = false;
    } else found.push(`${found.pop() ?? ''} ${line}`);
  }
  return found.map(cleanSentence);
}

function hasLetter(text: string): boolean {
  return /\p{L}/u.test(text);
}
