import fs from 'node:fs';
import path from 'node:path';

import { PairTokenizer, savePairTokenizers, type PairTokenizers } from '../../../lib/data';
import { Text } from '../../../lib/data/text';
import { torch } from '../../../lib/tensor';
import { smallTranslator } from './models';

export const sentences = [
  'The quick brown fox jumps over the lazy dog.',
  'A dog barks.',
  'Quick!',
  'The lazy fox barks at the dog.',
  'Jump over it',
];

/** A tokenizer of few entries, trained on the sentences above. */
export async function smallTokenizers(folder: string): Promise<PairTokenizers> {
  const file = path.join(folder, 'corpus.txt');
  fs.writeFileSync(
    file,
    sentences
      .map((line) => `${line}\n`)
      .join('')
      .repeat(3),
  );
  const vocabulary = { bpe: 300, lowercase: false, multipleOf: 8 };
  const tokenizer = await PairTokenizer.train(await Text.open([file]), vocabulary, { cacheDir: folder });
  return { source: tokenizer, target: tokenizer };
}

/** A model folder with its tokenizer, as a study leaves it. */
export async function smallModelFolder(parent: string): Promise<string> {
  const folder = path.join(parent, 'model');
  const tokenizers = await smallTokenizers(parent);
  torch.manualSeed(1);
  using model = smallTranslator(tokenizers.source.vocabSize);
  await model.save(folder);
  await savePairTokenizers(folder, tokenizers);
  return folder;
}
