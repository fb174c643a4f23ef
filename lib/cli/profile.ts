import { InvalidArgumentError, type Command } from 'commander';

import { overridesHelp } from './study-command';

type Profiling = typeof import('./profiling');

function positiveWhole(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('Expected a positive whole number.');
  return Number(text);
}

interface Options {
  sourceLength: number;
  targetLength: number;
  vocabSize?: number;
  list?: boolean;
  json?: boolean;
}

/** Adds `profile`: sizes and cost of models, from their configuration alone; libtorch is not needed. */
export function addProfile(program: Command): void {
  program
    .command('profile')
    .description("print a model's sizes, parameters and multiply-adds (MACs) block by block, or compare several models")
    .argument('[names...]', `named architectures, studies (files or shipped); for studies also ${overridesHelp}`)
    .option('--source-length <tokens>', 'length of the source sentence', positiveWhole, 20)
    .option('--target-length <tokens>', 'length of the translation, or of the text', positiveWhole, 20)
    .option('--vocab-size <entries>', 'for studies whose data do not tell it', positiveWhole)
    .option('--list', 'list all named architectures')
    .option('--json', 'print JSON: { name, blocks, total: { parameters, macs } }, or a list of these')
    .addHelpText(
      'after',
      `
Examples:
  torchwright profile delight-wmt14-en-de-640
  torchwright profile delight-wmt14-en-de-640 transformer-base-wmt14-en-de
  torchwright profile translate-demo models.DeLighT.encoder.maxDepth=8
  torchwright profile --list

MACs: the encoder once, and the decoder for every length of the target, without caches, as the published counts.
Training MACs: one pass over both sentences. A bias counts; norms, activations and softmax do not.`,
    )
    .action((names: string[], options: Options) => {
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- loads late, and in one way in CommonJS and tests
      const { readSubjects, profileText, profileJson } = require('./profiling') as Profiling;
      const subjects = readSubjects(names, options);
      const lengths = { source: options.sourceLength, target: options.targetLength };
      console.log(options.json ? profileJson(subjects, lengths) : profileText(subjects, lengths, !options.list));
    });
}
