/** The `data:` section of a study's configuration. */
import { z } from 'zod';

/** Corpora known by name: see `corpora.ts`. */
export const corpusNames = ['moby-dick', 'sotu'] as const;
export type CorpusName = (typeof corpusNames)[number];

/** The largest vocabulary the tokenizer trainer can make: its limit is built in. */
export const maxBpeVocabSize = 30_000;
/** One special token and the 256 bytes: the vocabulary of a byte-level BPE that has no merge. */
export const minBpeVocabSize = 257;

/** How rows are put together before blocks are cut: 1000 at a time, as run_clm does, or all of them. */
export const groupings = ['rows1000', 'corpus'] as const;
export type Grouping = (typeof groupings)[number];

const paths = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]);

export const dataSchema = z
  .strictObject({
    /**
     * `moby-dick`, `sotu`, or paths, relative to the working folder: text files (a line is a row), `.jsonl`, both also `.gz` or `.zst`,
     * `.parquet`, folders of these.
     */
    corpus: paths,
    /** The column with the text in JSONL and Parquet, nested ones dotted: `a.b`. Default `text`. */
    text: z.string().min(1).optional(),
    /**
     * The part of the rows, from the beginning, that is kept for validation (run_clm's rule), or paths. Default 0.05. The named corpora
     * bring their own split.
     */
    validation: z.union([z.number().gt(0).lt(1), paths]).optional(),
    /** `bytes`, the path of a Hugging Face `tokenizer.json` or of its folder, or a byte-level BPE to train on the training text. */
    tokenizer: z
      .union([
        z.string().min(1),
        z.strictObject({
          /** Size of the vocabulary, with the special token and the 256 bytes. */
          bpe: z.int().min(minBpeVocabSize).max(maxBpeVocabSize),
        }),
      ])
      .default('bytes'),
    /**
     * Tokens a training sample holds. At most the tokenizer's own maximum. Default: that maximum; where it exceeds the
     * model's `maxPositionEmbeddings`, min(1024, maxPositionEmbeddings).
     */
    blockSize: z.int().min(2).optional(),
    /** Blocks are cut from 1000 rows at a time and the rest of each group is dropped (run_clm's rule), or from the whole corpus. */
    grouping: z.enum(groupings).default('rows1000'),
  })
  .superRefine((data, context) => {
    if (!isCorpusName(data.corpus)) return;
    const refuse = (key: 'validation' | 'text', message: string) => {
      if (data[key] !== undefined)
        context.addIssue({ code: 'custom', path: [key], message: `${message}; leave this out`, input: data[key] });
    };
    refuse('validation', `the corpus ${data.corpus} brings its own validation text`);
    refuse('text', `the corpus ${data.corpus} is plain text and has no columns`);
  });

/** What a user may write. */
export type DataInput = z.input<typeof dataSchema>;
/** With all defaults in place. */
export type DataConfig = z.output<typeof dataSchema>;

export function isCorpusName(corpus: string | readonly string[]): corpus is CorpusName {
  return corpusNames.some((name) => name === corpus);
}
