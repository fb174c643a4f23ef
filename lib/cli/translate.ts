import { isatty } from 'node:tty';

import { Option, type Command } from 'commander';

import type { Translation, TranslateOptions, TranslationProgress } from '../delight/search';
import { ArgumentError } from '../errors';
import type { Device } from '../tensor';
import { interruptible } from './interrupt';
import { readLines, standardInput, writeLines } from './lines';
import { parseNumber } from './numbers';

type Search = typeof import('../delight/search');

interface Options {
  input: string;
  output?: string;
  beam: number;
  lengthPenalty: number;
  minLength: number;
  maxLengthA: number;
  maxLengthB: number;
  nBest: number;
  sample?: boolean;
  temperature?: number;
  topK?: number;
  topP?: number;
  seed?: number;
  batchTokens: number;
  batchSentences: number;
  window?: number;
  tooLong: 'error' | 'skip' | 'cut';
  device: Device;
}

/** Adds `translate`. */
export function addTranslate(program: Command): void {
  const number = (flags: string, description: string, value?: number) => {
    const option = new Option(flags, description).argParser(parseNumber);
    return value === undefined ? option : option.default(value);
  };
  program
    .command('translate')
    .description('translate text, a sentence a line, with a trained translation model')
    .argument('<folder>', 'the model with its tokenizers, such as runs/a/best')
    .option('--input <file>', 'what to translate (default: the standard input)', standardInput)
    .option('--output <file>', 'where to write it; the file is there once all is done (default: the standard output)')
    .addOption(number('--beam <n>', 'translations that are followed at once', 5))
    .addOption(number('--length-penalty <x>', 'above 1 favours longer translations, below 1 shorter ones', 1))
    .addOption(number('--min-length <tokens>', 'of a translation', 1))
    .addOption(number('--max-length-a <x>', "times the longest source's tokens, plus", 0))
    .addOption(number('--max-length-b <tokens>', 'is the greatest length of a translation', 200))
    .addOption(number('--n-best <n>', 'print this many translations of each line, as number, score, text', 1))
    .option('--sample', 'draw translations at random instead of searching the likeliest')
    .addOption(number('--temperature <x>', 'of --sample; 0 takes the likeliest token each time'))
    .addOption(number('--top-k <n>', 'of --sample: draw from this many tokens'))
    .addOption(number('--top-p <share>', 'of --sample: draw from the likeliest tokens that have this probability'))
    .addOption(number('--seed <n>', 'of --sample: the same seed gives the same translations'))
    .addOption(number('--batch-tokens <n>', 'source tokens at once', 2048))
    .addOption(number('--batch-sentences <n>', 'lines at once', 32))
    .addOption(number('--window <lines>', 'lines read ahead, to put those of like length together (default: 1024)'))
    .addOption(
      new Option('--too-long <what>', 'to do with a line of more tokens than the model reads')
        .choices(['error', 'skip', 'cut'])
        .default('error'),
    )
    .option('--device <device>', 'cpu, cuda or cuda:N', 'cpu')
    .addHelpText(
      'after',
      `
Examples:
  torchwright translate runs/a/best < in.txt > out.txt
  torchwright translate runs/a/best --input in.txt --output out.txt --beam 4 --length-penalty 0.6
  torchwright translate runs/a/best --n-best 5 < in.txt
  torchwright translate runs/a/best --sample --temperature 0.8 --top-p 0.9 --seed 1 < in.txt

An empty line gives an empty line, and so does one that --too-long skip leaves out. Progress goes to the standard error.`,
    )
    .action(async (folder: string, options: Options) => {
      const settings = translateOptions(options);
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- loads late, and in one way in CommonJS and tests
      const { Translator } = require('../delight/search') as Search;
      const view = new ProgressLine();
      await interruptible(async (signal) => {
        using translator = await Translator.load(folder, { device: options.device, signal });
        const lines = readLines(options.input, signal);
        const translations = translator.translate(lines, { ...settings, signal, onProgress: view.show });
        try {
          await writeLines(options.output, printed(translations, options.nBest));
        } finally {
          view.close();
        }
      });
    });
}

function translateOptions(options: Options): TranslateOptions {
  const { beam, sample, temperature, topK, topP, seed, window, ...rest } = options;
  const given = Object.entries({ temperature, topK, topP, seed }).filter(([, value]) => value !== undefined);
  if (!sample && given.length > 0)
    throw new ArgumentError('--temperature, --top-k, --top-p and --seed belong to --sample, which is not there');
  const isTyped = options.input === standardInput && isatty(0);
  return {
    ...rest,
    beams: beam,
    // Who types lines wants each translated before the next.
    window: window ?? (isTyped ? 1 : 1024),
    sampling: sample ? Object.fromEntries(given) : undefined,
  };
}

async function* printed(translations: AsyncIterable<Translation>, nBest: number): AsyncGenerator<string> {
  let number = 0;
  for await (const { text, hypotheses } of translations) {
    number++;
    if (nBest === 1) yield oneLine(text);
    else if (hypotheses.length === 0) yield `${number}\t0\t`;
    else for (const each of hypotheses) yield `${number}\t${each.score.toFixed(4)}\t${oneLine(each.text)}`;
  }
}

/** A model may make line breaks and tabs; a translation stays on its line. */
const oneLine = (text: string) => text.replaceAll(/[\t\n\r]/g, ' ');

const lineEveryMs = 10_000;

/** Progress: one line that changes on a terminal, plain lines now and then elsewhere. */
class ProgressLine {
  /** Not while translations come to the same terminal. */
  readonly #changes = process.stderr.isTTY && !process.stdout.isTTY;
  #lastLine = performance.now();
  #last: TranslationProgress | undefined;

  readonly show = (progress: TranslationProgress): void => {
    this.#last = progress;
    if (this.#changes) process.stderr.write(`\r${describe(progress)}\x1b[K`);
    else if (performance.now() - this.#lastLine >= lineEveryMs) {
      this.#lastLine = performance.now();
      console.error(describe(progress));
    }
  };

  close(): void {
    if (this.#last === undefined) return;
    if (this.#changes) process.stderr.write('\r\x1b[K');
    console.error(describe(this.#last));
  }
}

function describe({ texts, tooLong, tokens, seconds }: TranslationProgress): string {
  const long = tooLong === 0 ? '' : `, ${tooLong} too long`;
  return `${texts} lines${long}, ${tokens} tokens, ${Math.round(tokens / seconds)} tokens/s`;
}
