import { existsSync } from 'node:fs';
import path from 'node:path';

import { Option, type Command } from 'commander';

import type { DelightLanguageModel } from '../delight';
import { CheckpointError } from '../errors';
import type { GeneratedPiece, GenerateOptions } from '../generation';
import type { ResidualLlama } from '../residual';
import type { Device, Dtype } from '../tensor';
import { interruptible } from './interrupt';
import { print, readLines, standardInput } from './lines';
import { parseNumber } from './numbers';

type Nn = typeof import('../nn');
type Residual = typeof import('../residual');
type Delight = typeof import('../delight');

interface Options extends GenerateOptions {
  stop?: string[];
  json?: boolean;
  device: Device;
  dtype: Dtype;
}

/** Adds `generate`. */
export function addGenerate(program: Command): void {
  const number = (flags: string, description: string) => new Option(flags, description).argParser(parseNumber);
  const strings = (value: string, before: string[] = []) => [...before, value];
  program
    .command('generate')
    .description('go on with a text, token by token, with a trained language model')
    .argument('<model>', 'its folder, with its tokenizer, such as runs/a/best; or one that transformers saved')
    .argument('[prompt]', 'what the text begins with (default: the standard input, without its last line break)')
    .addOption(number('--max-new-tokens <n>', 'tokens, at most (default: 100)'))
    .addOption(
      number('--temperature <x>', 'below 1 keeps to the likely, above 1 strays; 0 takes the likeliest (default: 1)'),
    )
    .addOption(number('--top-k <n>', 'draw from this many of the likeliest tokens (default: from all)'))
    .addOption(number('--top-p <share>', 'draw from the likeliest tokens that have this probability (default: 1)'))
    .addOption(number('--min-p <share>', 'draw only tokens so likely as this share of the likeliest (default: 0)'))
    .addOption(number('--repetition-penalty <x>', 'above 1 makes tokens less likely that the text has (default: 1)'))
    .option('--stop <text>', 'end before this text; may be given several times', strings)
    .addOption(number('--seed <n>', 'the same seed gives the same text (default: another one each time)'))
    .option('--json', 'print each token as a line of JSON: token, text, logProbability, and at the end finishReason')
    .option('--device <device>', 'cpu, cuda or cuda:N', 'cpu')
    .addOption(
      new Option('--dtype <type>', 'of the weights').choices(['float32', 'bfloat16', 'float64']).default('float32'),
    )
    .addHelpText(
      'after',
      `
Examples:
  torchwright generate runs/a/best 'Call me'
  torchwright generate runs/a/best 'Call me' --temperature 0.8 --top-p 0.95 --seed 1 --max-new-tokens 400
  torchwright generate runs/a/best --temperature 0 --stop '\\n\\n' < prompt.txt
  torchwright generate runs/a/best 'Call me' --json | jq -r .text

The text itself goes to the standard output as it comes. In --stop, \\n and \\t stand for a line break and a tab.`,
    )
    .action(async (folder: string, prompt: string | undefined, options: Options) => {
      const { json, device, dtype, stop = [], ...settings } = options;
      await interruptible(async (signal) => {
        const text = prompt ?? (await readAll(signal));
        using model = await openModel(folder, { device, dtype, signal });
        const pieces = model.generate(text, { ...settings, stop: stop.map(unescaped), signal });
        await print(json ? jsonLines(pieces) : plainText(pieces));
      });
    });
}

/** A language model of either family, by what its configuration says. */
async function openModel(
  folder: string,
  options: { device: Device; dtype: Dtype; signal: AbortSignal },
): Promise<ResidualLlama | DelightLanguageModel> {
  const file = path.join(folder, 'config.json');
  if (!existsSync(file))
    throw new CheckpointError(`${folder} holds no config.json; name the folder of a model, such as runs/a/best`);
  /* eslint-disable @typescript-eslint/no-require-imports -- loads late, and in one way in CommonJS and tests */
  const { readJson } = require('../nn') as Nn;
  const { model_type: type } = ((await readJson(file)) ?? {}) as { model_type?: unknown };
  if (type === 'torchwright-delight')
    return (require('../delight') as Delight).DelightLanguageModel.load(folder, options);
  return (require('../residual') as Residual).ResidualLlama.load(folder, options);
  /* eslint-enable @typescript-eslint/no-require-imports */
}

async function readAll(signal: AbortSignal): Promise<string> {
  const lines: string[] = [];
  for await (const line of readLines(standardInput, signal)) lines.push(line);
  return lines.join('\n');
}

const unescaped = (text: string) => text.replaceAll('\\n', '\n').replaceAll('\\t', '\t');

async function* jsonLines(pieces: AsyncIterable<GeneratedPiece>): AsyncGenerator<string, void, undefined> {
  for await (const { token, text, logProbability, finishReason } of pieces)
    yield `${JSON.stringify({ token, text, logProbability, finishReason })}\n`;
}

async function* plainText(pieces: AsyncIterable<GeneratedPiece>): AsyncGenerator<string, void, undefined> {
  for await (const { text } of pieces) if (text !== '') yield text;
  yield '\n';
}
