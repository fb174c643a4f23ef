/** A study that takes a moment: a text of simple sentences, and a model of a few hundred parameters. */
import fs from 'node:fs';
import path from 'node:path';

import type { StudyInput } from '../../lib/study';

const words = ['whale', 'ship', 'sea', 'captain', 'storm', 'harpoon', 'sail', 'deck'];

/** Some 12 kB of lines. */
export function writeCorpus(folder: string): string {
  const file = path.join(folder, 'corpus.txt');
  const line = (index: number) =>
    `The ${words[index % 8]} saw the ${words[(index * 3 + 1) % 8]} and the ${words[(index * 5 + 2) % 8]}.\n`;
  fs.writeFileSync(file, Array.from({ length: 300 }, (_, index) => line(index)).join(''));
  return file;
}

export function smallStudy(corpus: string, output: string): StudyInput {
  return {
    name: 'small',
    seed: 5,
    model: { hiddenSize: 16, intermediateSize: 24, numHiddenLayers: 2, numAttentionHeads: 2 },
    variants: ['baseline', '3.2'],
    data: { corpus, validation: 0.2, blockSize: 32 },
    train: { maxSteps: 12, batchSize: 4, learningRate: 1e-2, evalEvery: 5, logEvery: 4, loadBestModelAtEnd: true },
    output,
  };
}
