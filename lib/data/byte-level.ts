/** Byte-level BPE as Hugging Face's `tokenizer.json` holds it. */

/** Ends a text; as in GPT-2 it is begin and end of text in one, and is not added to rows by itself. */
export const endOfText = '<|endoftext|>';

/** Two tokens that become one. */
export type Merge = [left: string, right: string];

export interface ByteLevelOptions {
  /** Tokens that stand for themselves wherever their text occurs. */
  specialTokens: readonly string[];
  /** Put a blank before each text and take it off again, so that a word is the same token at the beginning as elsewhere. */
  addPrefixSpace?: boolean;
  lowercase?: boolean;
}

/** A Hugging Face `tokenizer.json` of a byte-level BPE. Without merges it splits nothing, so that bytes stay single. */
export function byteLevelTokenizerJson(
  vocab: Record<string, number>,
  merges: readonly Merge[],
  { specialTokens, addPrefixSpace = false, lowercase = false }: ByteLevelOptions,
): string {
  const byteLevel = {
    type: 'ByteLevel',
    add_prefix_space: addPrefixSpace,
    trim_offsets: true,
    use_regex: merges.length > 0,
  };
  const withoutPrefix = { type: 'Sequence', decoders: [byteLevel, { type: 'Strip', content: ' ', start: 1, stop: 0 }] };
  const model = {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
  };
  return JSON.stringify({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens.map((content) => ({
      id: vocab[content],
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: lowercase ? { type: 'Lowercase' } : null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: addPrefixSpace ? withoutPrefix : byteLevel,
    model: { ...model, fuse_unk: false, byte_fallback: false, ignore_merges: false, vocab, merges },
  });
}

/**
 * The character that stands for each byte in a byte-level vocabulary (GPT-2's): printable bytes stand for themselves, the
 * others for the characters from U+0100 on.
 */
export function byteCharacters(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const isPrintable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
    return String.fromCodePoint(isPrintable ? byte : next++);
  });
}
