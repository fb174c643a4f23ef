/** A translation study that takes a moment: sentences of a toy language, each word of which has one translation. */
import fs from 'node:fs';
import path from 'node:path';

import type { TranslationStudyInput } from '../../lib/study';

const dictionary = [
  ['the whale', 'der Wal'],
  ['the ship', 'das Schiff'],
  ['the sea', 'das Meer'],
  ['the storm', 'der Sturm'],
  ['the captain', 'der Kapitän'],
  ['the sail', 'das Segel'],
] as const;
const verbs = [
  ['sees', 'sieht'],
  ['follows', 'folgt'],
  ['meets', 'trifft'],
] as const;

/** Each sentence once, in two line-aligned files. */
export function writePairs(folder: string): { source: string; target: string } {
  const sentences = dictionary.flatMap((subject) =>
    verbs.flatMap((verb) =>
      dictionary.flatMap((object) =>
        ['.', ' again.'].map((end) => [
          `${subject[0]} ${verb[0]} ${object[0]}${end}`,
          `${subject[1]} ${verb[1]} ${object[1]}${end.replace('again', 'wieder')}`,
        ]),
      ),
    ),
  );
  const files = { source: path.join(folder, 'pairs.en'), target: path.join(folder, 'pairs.de') };
  fs.writeFileSync(files.source, sentences.map(([source]) => `${source}\n`).join(''));
  fs.writeFileSync(files.target, sentences.map(([, target]) => `${target}\n`).join(''));
  return files;
}

export function smallTranslationStudy(
  corpus: { source: string; target: string },
  output: string,
): TranslationStudyInput {
  return {
    task: 'translation',
    name: 'small-translation',
    seed: 5,
    data: { corpus, vocabulary: { bpe: 300 }, validation: 20, test: 10 },
    models: {
      Transformer: {
        type: 'transformer',
        hiddenSize: 32,
        encoder: { layers: 1, heads: 2, ffnSize: 64 },
        shareEmbeddings: true,
      },
      DeLighT: {
        type: 'delight',
        hiddenSize: 32,
        embeddingSize: 16,
        encoder: { minDepth: 2, maxDepth: 3, blocks: 2, widthMultiplier: 2, maxGroups: 2 },
        shareEmbeddings: true,
      },
    },
    train: { maxSteps: 8, maxTokens: 400, learningRate: 3e-3, evalEvery: 4, logEvery: 4, loadBestModelAtEnd: true },
    learningRates: { DeLighT: 5e-3 },
    decode: { beams: 2, maxLengthB: 20 },
    output,
  };
}
