/** The parallel texts known by name: fetched once and kept as two line-aligned files. */
import path from 'node:path';

import { ConfigError } from '../../errors';
import { cached } from '../cache';
import type { AptOptions } from './apt';
import { fetchBible } from './bible-en-es';
import { debianLanguages, fetchDescriptions } from './debian-descriptions';
import { LineWriter } from './line-writer';
import type { PairCorpusName, PairDataConfig } from './schema';
import type { SideTexts } from './types';

export interface FetchPairsOptions extends AptOptions {
  cacheDir: string;
  /** Called when the corpus is not in the cache and has to be fetched. */
  onFetch?: () => void;
}

/**
 * The files of a named corpus in two languages, from the cache or fetched into it.
 * @throws ConfigError for a language that it does not have; DataError when it cannot be fetched, saying what to do
 */
export async function openNamedPairs(
  name: PairCorpusName,
  { sourceLanguage, targetLanguage }: Pick<PairDataConfig, 'sourceLanguage' | 'targetLanguage'>,
  { cacheDir, onFetch, ...options }: FetchPairsOptions,
): Promise<{ source: string; target: string }> {
  const languages: readonly string[] = name === 'bible-en-es' ? ['en', 'es'] : debianLanguages;
  for (const language of [sourceLanguage, targetLanguage]) {
    if (languages.includes(language)) continue;
    throw new ConfigError(`data: ${name} has no ${language}; its languages are ${languages.join(', ')}`);
  }
  const isBible = name === 'bible-en-es';
  const key = `${name}${isBible ? '' : `-${sourceLanguage}-${targetLanguage}`}-1`;
  const { folder } = await cached(cacheDir, 'pair-corpora', key, async (temporary) => {
    onFetch?.();
    const pairs = isBible
      ? await fetchBible(options)
      : await fetchDescriptions(sourceLanguage, targetLanguage, options);
    for (const side of ['source', 'target'] as const) await writeLines(path.join(temporary, side), pairs[side]);
    return { pairs: pairs.source.length };
  });
  const [source, target] = [path.join(folder, 'source'), path.join(folder, 'target')];
  return isBible && sourceLanguage === 'es' ? { source: target, target: source } : { source, target };
}

async function writeLines(file: string, lines: SideTexts['source']): Promise<void> {
  const writer = await LineWriter.create(file);
  try {
    for (const line of lines) writer.add(line);
    await writer.flush();
  } finally {
    await writer.close();
  }
}
