import type { Command } from 'commander';

import { positiveWhole } from './numbers';
import type { ProfileOptions } from './profiling';
import { overridesHelp } from './study-command';

type Profiling = typeof import('./profiling');

/** Adds `profile`: sizes and cost of models, from their configuration alone; libtorch is not needed. */
export function addProfile(program: Command): void {
  program
    .command('profile')
    .description(
      "print what models cost before anything runs: a residual study's variants with their FLOPs, caches and memory; " +
        "others' sizes, parameters and multiply-adds (MACs), block by block or side by side",
    )
    .argument(
      '[names...]',
      `studies (files or shipped), folders of runs and decoders, named architectures; for studies also ${overridesHelp}`,
    )
    .option('--source-length <tokens>', 'length of the source sentence (default: 20)', positiveWhole)
    .option(
      '--target-length <tokens>',
      "length of the translation, or of the text (default: 20; of residual variants the study's block or the model's positions)",
      positiveWhole,
    )
    .option('--batch-size <texts>', "of residual variants (default: the study's train.batchSize)", positiveWhole)
    .option('--vocab-size <entries>', 'for studies whose data do not tell it', positiveWhole)
    .option('--list', 'list all named architectures')
    .option('--json', 'print JSON: { name, variants } or { name, blocks, total }, or a list of these')
    .addHelpText(
      'after',
      `
Examples:
  torchwright profile demo
  torchwright profile note 'variants=[baseline, 3.2, 3.2 stored]' train.batchSize=1
  torchwright profile runs/a/best --target-length 512 --batch-size 4
  torchwright profile delight-wmt14-en-de-640
  torchwright profile delight-wmt14-en-de-640 transformer-base-wmt14-en-de
  torchwright profile translate-demo models.DeLighT.encoder.maxDepth=8
  torchwright profile --list

Of residual variants the table says what it counts. MACs: the encoder once, and the decoder for every length of the target, without caches, as the published counts.
Training MACs: one pass over both sentences. A bias counts; norms, activations and softmax do not.`,
    )
    .action((names: string[], options: ProfileOptions) => {
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- loads late, and in one way in CommonJS and tests
      const { profile } = require('./profiling') as Profiling;
      console.log(profile(names, options));
    });
}
