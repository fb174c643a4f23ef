/** The `data:` section of a translation study's configuration. */
import { z } from 'zod';

import { maxBpeVocabSize } from '../schema';

/** Parallel texts known by name. */
export const pairCorpusNames = ['debian-descriptions', 'bible-en-es'] as const;
export type PairCorpusName = (typeof pairCorpusNames)[number];

/** Four special tokens and the 256 bytes: the vocabulary of a translation BPE that has no merge. */
export const minPairVocabSize = 260;

const path = z.string().min(1);
const paths = z.union([path, z.array(path).min(1)]);

/**
 * Two line-aligned files, or files of pairs, one or several: `.tsv`, `.jsonl` (each also `.gz` or `.zst`) or `.parquet`. Relative to the working
 * folder.
 */
const pairFiles = z.union([
  paths,
  z.strictObject({ source: paths, target: paths }).refine(({ source, target }) => count(source) === count(target), {
    message: 'there must be as many target files as source files',
    path: ['target'],
  }),
]);

function count(files: string | string[]): number {
  return [files].flat().length;
}

const field = z.union([z.string().min(1), z.int().min(1)]);
const heldOut = z.union([z.number().gt(0).lt(1), z.int().min(1), pairFiles]);
const treatment = z.enum(['skip', 'error']);

export const pairDataSchema = z
  .strictObject({
    /**
     * `debian-descriptions` (two of en, de, es, fr, it, ja, pl, pt_BR, ru; fetched by apt, each text under its package's free licence),
     * `bible-en-es` (en and es; fetched by apt, public domain), or files.
     */
    corpus: pairFiles,
    /** Language codes. They choose the sides of a named corpus and the usual field names of JSONL and Parquet. */
    sourceLanguage: z.string().min(1).default('en'),
    targetLanguage: z.string().min(1).default('de'),
    /**
     * Where the two texts are in a file of pairs: column numbers from 1 for TSV (default 1 and 2), dotted names for JSONL and Parquet
     * (default `translation.LANGUAGE`, else `LANGUAGE`).
     */
    fields: z.strictObject({ source: field, target: field }).optional(),
    vocabulary: z
      .strictObject({
        /** Entries of a byte-level BPE, with the four special tokens and the 256 bytes, trained on the training text. */
        bpe: z.int().min(minPairVocabSize).max(maxBpeVocabSize).default(8000),
        /** One vocabulary for both languages; needed to share embeddings. Otherwise each has one of this size. */
        joint: z.boolean().default(true),
        /** Lowercase all text. */
        lowercase: z.boolean().default(false),
        /** The vocabulary is filled with unused entries up to a multiple of this. */
        multipleOf: z.int().min(1).max(1024).default(8),
      })
      .prefault({}),
    /** Longest sentence kept, in tokens. */
    maxLength: z.int().min(1).default(250),
    /** Largest length of one sentence over the other's, in tokens, kept for training. Default: any. */
    maxRatio: z.number().min(1).optional(),
    /** What to do with a pair that lacks a text on either side: leave it out and count it, or stop. */
    missing: treatment.default('skip'),
    /** What to do with a pair longer than `maxLength`. */
    tooLong: treatment.default('skip'),
    /** A fraction of all pairs, or their number, or files of their own. Chosen by a hash of the source text. */
    validation: heldOut.default(0.01),
    test: heldOut.default(0.01),
  })
  .superRefine((data, context) => {
    if (data.sourceLanguage === data.targetLanguage) {
      context.addIssue({ code: 'custom', path: ['targetLanguage'], message: 'must not be the source language' });
    }
  });

/** What a user may write. */
export type PairDataInput = z.input<typeof pairDataSchema>;
/** With all defaults in place. */
export type PairDataConfig = z.output<typeof pairDataSchema>;
export type PairFiles = z.output<typeof pairFiles>;

export function isPairCorpusName(corpus: PairFiles): corpus is PairCorpusName {
  return pairCorpusNames.some((name) => name === corpus);
}
