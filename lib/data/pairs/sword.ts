/** The verses of a Bible module of the SWORD project, in its compressed form (`zText`), with OSIS markup. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { inflateSync } from 'node:zlib';

import { DataError } from '../../errors';
import { checkUtf8 } from '../rows';
import { cleanSentence } from './sentence';

/** Sizes of the records of the two indexes: of blocks (start, size, size unpacked) and of verses (block, start, size). */
const blockRecord = 12;
const verseRecord = 10;

/**
 * Verses by name, such as `Gen.1.1`, in the order of the book, without notes, headings and markup.
 * @param root where the module's package was unpacked
 * @throws DataError when it is not of the form that is read here
 */
export async function readVerses(root: string): Promise<Map<string, string>> {
  const modules = path.join(root, 'usr', 'share', 'sword', 'modules', 'texts', 'ztext');
  const verses = new Map<string, string>();
  try {
    const [name = ''] = await readdir(modules);
    for (const testament of ['ot', 'nt']) {
      const entries = await readEntries(path.join(modules, name, testament));
      for (const [verse, text] of nameVerses(entries)) verses.set(verse, text);
    }
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError(`the Bible module is not of the form that can be read: ${(cause as Error).message}`, { cause });
  }
  return verses;
}

/** Headings of books and chapters, and verses, in order. */
async function readEntries(testament: string): Promise<string[]> {
  const [blockIndex, verseIndex, packed] = await Promise.all(
    ['bzs', 'bzv', 'bzz'].map((end) => readFile(`${testament}.${end}`)),
  );
  if (!blockIndex || !verseIndex || !packed) return [];
  const blocks: Buffer[] = [];
  for (let at = 0; at < blockIndex.length; at += blockRecord) {
    const [start, size] = [blockIndex.readUInt32LE(at), blockIndex.readUInt32LE(at + 4)];
    blocks.push(size === 0 ? Buffer.alloc(0) : inflateSync(packed.subarray(start, start + size)));
  }
  const entries: string[] = [];
  for (let at = 0; at < verseIndex.length; at += verseRecord) {
    const [block, start] = [verseIndex.readUInt32LE(at), verseIndex.readUInt32LE(at + 4)];
    const bytes = blocks[block]?.subarray(start, start + verseIndex.readUInt16LE(at + 8)) ?? Buffer.alloc(0);
    checkUtf8(bytes, `${testament}.bzz`);
    entries.push(bytes.toString('utf8'));
  }
  return entries;
}

/**
 * A chapter's heading names it; what follows are its verses, one by one. A book's heading ends them. What comes after a chapter's end in its
 * last verse is no verse (one module keeps its glossary there).
 */
export function* nameVerses(entries: Iterable<string>): Generator<[name: string, text: string]> {
  let chapter: string | undefined;
  let verse = 0;
  for (const entry of entries) {
    const heading = /<chapter\b[^>]*\bosisID="([^"]+)"[^>]*\bsID=/.exec(entry)?.[1];
    if (heading !== undefined || /<div\b(?=[^>]*\btype="book")[^>]*\bsID=/.test(entry)) {
      chapter = heading;
      verse = 0;
    } else if (chapter !== undefined) {
      verse++;
      const text = plainText(entry.split('<chapter eID=')[0] ?? '');
      if (text !== '') yield [`${chapter}.${verse}`, text];
    }
  }
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/**
 * Notes stand between words without a blank of their own, and so do lines of verse; other marks are inside or around words. Headings are
 * left out, but for those that belong to the text, such as "A Psalm by David".
 */
function plainText(osis: string): string {
  const text = osis
    .replace(/<note\b[^>]*>[^]*?<\/note>|<title\b(?![^>]*canonical="true")[^>]*>[^]*?<\/title>/g, ' ')
    .replace(/<\/?(title|l|lb|lg|p|div|milestone|speaker|item|list)\b[^>]*>/g, ' ')
    .replace(/<[^>]*>/g, '')
    .replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => entities[name] ?? '')
    .replace(/ +(?=[,.;:!?\u201d\u2019)])/g, '');
  return cleanSentence(text);
}
