import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { deflateSync } from 'node:zlib';

import { alignVerses } from '../../../lib/data/pairs/bible-en-es';
import { openNamedPairs } from '../../../lib/data/pairs/corpora';
import { alignDescriptions, descriptions } from '../../../lib/data/pairs/debian-descriptions';
import { nameVerses } from '../../../lib/data/pairs/sword';
import { temporaryFolder, write } from '../temporary';

const folder = temporaryFolder();
const environment = { ...process.env };
afterEach(() => {
  process.env = { ...environment };
});
let caches = 0;
const newCache = () => path.join(folder, `cache${caches++}`);

/** Puts programs on the PATH that do what `apt-get` and `dpkg-deb` do, out of a folder that stands for Debian's archive. */
const archive = path.join(folder, 'archive');
const programs = path.join(folder, 'programs');
function installApt(): void {
  mkdirSync(archive, { recursive: true });
  mkdirSync(programs, { recursive: true });
  const apt = `#!${process.execPath}
    const fs = require('fs'), path = require('path');
    const [, , , conf, command, name, format] = process.argv;
    const archive = ${JSON.stringify(archive)};
    const settings = fs.readFileSync(conf, 'utf8');
    fs.writeFileSync(path.join(archive, 'settings'), settings);
    const lists = /Dir::State::Lists "([^"]+)"/.exec(settings)[1];
    const languages = [.../Acquire::Languages \\{([^}]*)\\}/.exec(settings)[1].matchAll(/"(\\w+)"/g)].map(([, l]) => l);
    const indexes = languages.map((l) => 'Translation-' + l).filter((l) => fs.existsSync(path.join(archive, l)));
    if (fs.existsSync(path.join(archive, 'offline'))) {
      console.error('W: Temporary failure resolving the mirror');
      if (command === 'download') process.exitCode = 100;
    } else if (command === 'update') {
      console.log('Reading package lists...');
      for (const index of indexes) fs.copyFileSync(path.join(archive, index), path.join(lists, index));
    } else if (command === 'indextargets') {
      const origin = fs.existsSync(path.join(archive, 'origin')) ? 'Other' : 'Debian';
      const fields = (l) => ({ ORIGIN: origin, LANGUAGE: l.slice(12), FILENAME: path.join(lists, l) });
      for (const l of indexes) console.log(format.replace(/\\$\\((\\w+)\\)/g, (_, field) => fields(l)[field]));
    } else fs.copyFileSync(path.join(archive, name), name + '_1_all.deb');
  `;
  const dpkg = `#!${process.execPath}
    const fs = require('fs'), path = require('path');
    const [, , , deb, target] = process.argv;
    for (const [name, content] of Object.entries(JSON.parse(fs.readFileSync(deb, 'utf8')))) {
      fs.mkdirSync(path.dirname(path.join(target, name)), { recursive: true });
      fs.writeFileSync(path.join(target, name), Buffer.from(content, 'base64'));
    }
  `;
  for (const [name, program] of Object.entries({ 'apt-get': apt, 'dpkg-deb': dpkg })) {
    chmodSync(write(programs, name, program), 0o755);
  }
  process.env['PATH'] = programs;
}

const stanza = (id: number, language: string, text: string) =>
  `Package: p${id}\nDescription-md5: ${String(id).padStart(32, '0')}\nDescription-${language}: ${text}\n\n`;

const english = [
  stanza(1, 'en', 'game of chess\n A game\n for two.\n .\n It has:\n  - kings and\n    queens\n  - pawns'),
  stanza(2, 'en', 'library\n One paragraph.'),
  stanza(3, 'en', 'same in both'),
  stanza(4, 'en', 'game of chess\n Other text.'),
  stanza(5, 'en', 'never translated'),
].join('');
const german = [
  stanza(2, 'de', 'Bibliothek\n Ein Absatz.\n .\n Noch einer.'),
  stanza(1, 'de', 'Schachspiel\n Ein Spiel für\n zwei.\n .\n Es hat:\n  * Könige und\n    Damen\n  * Bauern'),
  stanza(3, 'de', 'same in both'),
  stanza(4, 'de', 'Ein Schachspiel\n Anderer Text.'),
].join('');

const linesOf = (file: string) => readFileSync(file, 'utf8').split('\n').slice(0, -1);
const fetchDebian = (cacheDir: string, targetLanguage = 'de', onFetch = () => {}) =>
  openNamedPairs('debian-descriptions', { sourceLanguage: 'en', targetLanguage }, { cacheDir, onFetch });

describe('descriptions of packages', () => {
  test('are aligned by summary, paragraph and item, where both have as many', () => {
    expect(alignDescriptions(new Map(descriptions(english)), new Map(descriptions(german)))).toEqual({
      source: ['game of chess', 'A game for two.', 'It has:', 'kings and queens', 'pawns', 'library', 'Other text.'],
      target: [
        'Schachspiel',
        'Ein Spiel für zwei.',
        'Es hat:',
        'Könige und Damen',
        'Bauern',
        'Bibliothek',
        'Anderer Text.',
      ],
    });
  });

  test('are fetched by apt into a private folder, once', async () => {
    installApt();
    write(archive, 'Translation-en', english);
    write(archive, 'Translation-de', german);
    const cacheDir = newCache();
    const fetched = jest.fn();
    const { source, target } = await fetchDebian(cacheDir, 'de', fetched);
    expect([linesOf(source).length, linesOf(target)[0]]).toEqual([7, 'Schachspiel']);
    expect(fetched).toHaveBeenCalledTimes(1);
    const settings = readFileSync(path.join(archive, 'settings'), 'utf8');
    expect(settings).toMatch(/#clear Acquire::Languages;\nAcquire::Languages { "en"; "de"; };/);
    expect(settings).toMatch(/Dir::Cache "[^"]*torchwright-apt-/);
    expect(existsSync(/Dir::State::Lists "([^"]+)"/.exec(settings)?.[1] ?? '')).toBe(false);

    process.env['PATH'] = folder;
    expect(linesOf((await fetchDebian(cacheDir, 'de', fetched)).source)).toHaveLength(7);
    expect(fetched).toHaveBeenCalledTimes(1);
  });

  test.each([
    [
      'apt is missing',
      () => rmSync(programs, { recursive: true }),
      /apt-get is not on the PATH: .*container.*TORCHWRIGHT_CACHE/,
    ],
    [
      'there is no network',
      () => write(archive, 'offline', ''),
      /check the network.*apt said:\nW: Temporary failure resolving/s,
    ],
    ['no source is Debian’s', () => write(archive, 'origin', ''), /its sources gave no list of a Debian release/],
    ['the language is not there', () => rmSync(path.join(archive, 'Translation-de')), /gave no descriptions in de/],
    [
      'the list is damaged',
      () => write(archive, 'Translation-de', Buffer.from('Description-de: \xe4', 'latin1')),
      /Translation-de is not UTF-8 text: byte 16/,
    ],
  ])('when %s, the message says so', async (_, breakIt, message) => {
    rmSync(archive, { recursive: true, force: true });
    installApt();
    write(archive, 'Translation-en', english);
    write(archive, 'Translation-de', german);
    breakIt();
    await expect(fetchDebian(newCache())).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringMatching(message) as string,
    });
  });
});

describe('verses', () => {
  test('are named by the headings before them, without notes, headings and markup', () => {
    const entries = [
      '<milestone/>',
      '<div osisID="Gen" sID="g1" type="book"/> <title>Genesis</title>',
      '<chapter n="1" osisID="Gen.1" sID="Gen.1"/>',
      '<w lemma="x">God</w><note placement="foot"><reference>1:1 </reference>Hebrew</note><w>created</w> <w>heavens</w>, &amp; earth .',
      '<title>Of light</title><l sID="1"/>“Let be.<l eID="1"/><l sID="2"/>Light”',
      '',
      'Last.<chapter eID="Gen.1"/> <div eID="g1" osisID="Gen" type="book"/> <div type="glossary"/> Words.',
      '<chapter n="2" osisID="Gen.2" sID="Gen.2"/>',
      '<title canonical="true" type="psalm">A Psalm.</title> <l/>Sing.',
      '<div sID="g2" osisID="Exod" type="book"/>',
      'A preface.',
    ];
    expect([...nameVerses(entries)]).toEqual([
      ['Gen.1.1', 'God created heavens, & earth.'],
      ['Gen.1.2', '“Let be. Light”'],
      ['Gen.1.4', 'Last.'],
      ['Gen.2.1', 'A Psalm. Sing.'],
    ]);
  });

  const bible = (verses: Record<string, string>) => new Map(Object.entries(verses));
  const long = 'a text that is a good deal longer';

  test('of the same name are pairs, unless they are far from each other in length', () => {
    const en = { 'Gen.1.1': 'In the beginning', 'Gen.1.2': 'short', 'Gen.1.3': 'only here', 'Gen.1.4': 'last' };
    const es = { 'Gen.1.1': 'EN el principio', 'Gen.1.2': long, 'Gen.1.4': 'fin' };
    expect(alignVerses(bible(en), bible(es))).toEqual({
      source: ['In the beginning', 'last'],
      target: ['En el principio', 'fin'],
    });
  });

  test('of chapters that are counted differently are left out, and of those after them', () => {
    const en = { 'Num.1.1': 'a', 'Num.1.2': 'b', 'Num.2.1': 'c', 'Num.3.1': 'd', 'Deut.1.1': 'e', 'Jonah.1.1': 'f' };
    const es = { 'Num.1.1': 'A', 'Num.2.1': 'B', 'Num.3.1': 'D', 'Deut.1.1': 'E', 'Jonah.1.1': 'F' };
    expect(alignVerses(bible(en), bible(es)).source).toEqual(['d', 'e']);
    const far = { 'Gen.1.1': 'a', 'Gen.1.2': 'b', 'Gen.1.3': 'c', 'Gen.2.1': 'd' };
    const other = { 'Gen.1.1': long, 'Gen.1.2': long, 'Gen.1.3': 'c', 'Gen.2.1': 'd' };
    expect(alignVerses(bible(far), bible(other)).source).toEqual(['d']);
  });
});

describe('the Bible', () => {
  /** A package with a module of compressed blocks, one for each chapter. */
  function packageOf(entries: readonly string[]): string {
    const [blockIndex, verseIndex, packed]: [Buffer[], Buffer[], Buffer[]] = [[], [], []];
    let start = 0;
    for (let from = 0; from < entries.length; from += 1000) {
      const texts = entries.slice(from, from + 1000).map((entry) => Buffer.from(entry));
      let offset = 0;
      for (const text of texts) {
        const record = Buffer.alloc(10);
        record.writeUInt32LE(blockIndex.length, 0);
        record.writeUInt32LE(offset, 4);
        record.writeUInt16LE(text.length, 8);
        verseIndex.push(record);
        offset += text.length;
      }
      const block = deflateSync(Buffer.concat(texts));
      const record = Buffer.alloc(12);
      record.writeUInt32LE(start, 0);
      record.writeUInt32LE(block.length, 4);
      record.writeUInt32LE(offset, 8);
      blockIndex.push(record);
      packed.push(block);
      start += block.length;
    }
    const files: Record<string, string> = {};
    for (const testament of ['ot', 'nt']) {
      for (const [end, parts] of [
        ['bzs', blockIndex],
        ['bzv', verseIndex],
        ['bzz', packed],
      ] as const) {
        const content = testament === 'ot' ? Buffer.concat(parts) : Buffer.alloc(0);
        files[`usr/share/sword/modules/texts/ztext/any/${testament}.${end}`] = content.toString('base64');
      }
    }
    return JSON.stringify(files);
  }
  const entriesOf = (verse: string, chapters: number) =>
    Array.from({ length: chapters }, (_, chapter) => [
      `<chapter osisID="Gen.${chapter + 1}" sID="x"/>`,
      ...Array.from({ length: 500 }, (__, n) => `<w>${verse}</w> ${chapter} ${n}`),
    ]).flat();
  const fetchBible = (cacheDir: string, sourceLanguage: string, targetLanguage: string) =>
    openNamedPairs('bible-en-es', { sourceLanguage, targetLanguage }, { cacheDir });

  function publish(chapters: number): void {
    rmSync(archive, { recursive: true, force: true });
    installApt();
    write(archive, 'sword-text-web', packageOf(entriesOf('verse', chapters)));
    write(archive, 'sword-text-sparv', packageOf(entriesOf('verso', chapters)));
  }

  test('comes out of two packages, and either language may be the source', async () => {
    publish(51);
    const cacheDir = newCache();
    const { source, target } = await fetchBible(cacheDir, 'en', 'es');
    expect([linesOf(source).length, linesOf(source)[501], linesOf(target)[501]]).toEqual([
      25_500,
      'verse 1 1',
      'verso 1 1',
    ]);
    expect(await fetchBible(cacheDir, 'es', 'en')).toEqual({ source: target, target: source });
  });

  test('that is not as it was is an error', async () => {
    publish(3);
    await expect(fetchBible(newCache(), 'en', 'es')).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringMatching(/gave 1500 verses that belong together, fewer than 25000/) as string,
    });
    write(archive, 'sword-text-web', '{"usr/share/x":""}');
    await expect(fetchBible(newCache(), 'en', 'es')).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringMatching(/Bible module is not of the form that can be read: ENOENT/) as string,
    });
    write(archive, 'offline', '');
    await expect(fetchBible(newCache(), 'en', 'es')).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringMatching(
        /could not fetch the package sword-text-web;.*apt said:\n.*Temporary failure/s,
      ) as string,
    });
  });
});
