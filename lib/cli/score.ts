import { Option, type Command } from 'commander';

import { ArgumentError } from '../errors';
import type { BleuSmoothing, BleuTokenizer } from '../metrics';
import { readLines } from './lines';

type Metrics = typeof import('../metrics');

const metricNames = ['bleu', 'chrf', 'chrf++', 'fairseq-bleu'] as const;
type MetricName = (typeof metricNames)[number];

interface Options {
  metric: MetricName | 'all';
  tokenize: BleuTokenizer;
  smooth: BleuSmoothing;
  lowercase?: boolean;
  compoundSplit?: boolean;
  json?: boolean;
}

interface Shown {
  text: string;
  fields: object;
}

/** Adds `score`, which needs no libtorch. */
export function addScore(program: Command): void {
  program
    .command('score')
    .description('score translations against references, a sentence a line: BLEU, chrF, chrF++')
    .argument('<hypotheses>', 'a text file, or - for the standard input')
    .argument('<references...>', 'one file, or several with a reference each for every line')
    .addOption(new Option('--metric <metric>', 'what to compute').choices([...metricNames, 'all']).default('bleu'))
    .addOption(new Option('--tokenize <how>', 'for bleu').choices(['13a', 'intl', 'char', 'none']).default('13a'))
    .addOption(new Option('--smooth <how>', 'for bleu').choices(['exp', 'floor', 'add-k', 'none']).default('exp'))
    .option('--lowercase', 'for bleu, chrf and chrf++: ignore case')
    .option('--compound-split', 'for fairseq-bleu: split words at hyphens on both sides')
    .option('--json', 'print the scores as JSON')
    .addHelpText(
      'after',
      `
Examples:
  torchwright score out.txt reference.txt
  torchwright score out.txt reference.txt --metric all --json
  torchwright translate runs/a/best < in.txt | torchwright score - reference.txt --metric chrf++
  torchwright score out.tok reference.tok --metric fairseq-bleu --compound-split

bleu, chrf and chrf++ are those of sacreBLEU, on plain text; the signature says how they were computed. fairseq-bleu takes
text that is already in tokens, and one reference.`,
    )
    .action(async (hypothesisFile: string, referenceFiles: string[], options: Options) => {
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- loads late, and in one way in CommonJS and tests
      const metrics = require('../metrics') as Metrics;
      const names = chosen(options, referenceFiles.length);
      const hypotheses = await allLines(hypothesisFile);
      const references: string[][] = [];
      for (const file of referenceFiles) {
        const lines = await allLines(file);
        checkCount({ file: hypothesisFile, lines: hypotheses }, { file, lines });
        references.push(lines);
      }
      const scores = names.map((name) => [name, compute(metrics, name, hypotheses, references, options)] as const);
      if (options.json) {
        const fields = scores.map(([name, shown]) => [name, shown.fields] as const);
        console.log(JSON.stringify(Object.fromEntries(fields), null, 2));
      } else for (const [, { text }] of scores) console.log(text);
    });
}

/** `all` leaves out what cannot be computed. */
function chosen(
  { metric, tokenize, smooth, lowercase, compoundSplit }: Options,
  references: number,
): readonly MetricName[] {
  if (metric !== 'bleu' && metric !== 'all' && (tokenize !== '13a' || smooth !== 'exp'))
    throw new ArgumentError(`--tokenize and --smooth are for the metric bleu, not ${metric}`);
  if (lowercase && metric === 'fairseq-bleu')
    throw new ArgumentError('--lowercase is for bleu, chrf and chrf++, not fairseq-bleu');
  if (compoundSplit && metric !== 'fairseq-bleu' && metric !== 'all')
    throw new ArgumentError(`--compound-split is for the metric fairseq-bleu, not ${metric}`);
  if (metric === 'fairseq-bleu' && references > 1)
    throw new ArgumentError(`fairseq-bleu takes one reference, not ${references}`);
  if (metric !== 'all') return [metric];
  return references > 1 ? metricNames.filter((name) => name !== 'fairseq-bleu') : metricNames;
}

function compute(
  { corpusBleu, corpusChrf, fairseqBleu, formatBleu, formatChrf, formatFairseqBleu }: Metrics,
  name: MetricName,
  hypotheses: string[],
  references: string[][],
  { tokenize, smooth, lowercase = false, compoundSplit = false }: Options,
): Shown {
  switch (name) {
    case 'bleu': {
      const bleu = corpusBleu(hypotheses, references, { tokenizer: tokenize, smoothing: smooth, lowercase });
      return { text: `${formatBleu(bleu)}\n  ${bleu.signature}`, fields: bleu };
    }
    case 'chrf':
    case 'chrf++': {
      const chrf = corpusChrf(hypotheses, references, { wordOrder: name === 'chrf' ? 0 : 2, lowercase });
      return { text: `${formatChrf(chrf)}\n  ${chrf.signature}`, fields: chrf };
    }
    case 'fairseq-bleu': {
      const bleu = fairseqBleu(hypotheses, references[0]!, { compoundSplit });
      const split = compoundSplit ? ', split at hyphens' : '';
      return { text: `${formatFairseqBleu(bleu)}\n  tokenised text${split}`, fields: { ...bleu, compoundSplit } };
    }
  }
}

async function allLines(file: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of readLines(file)) lines.push(line);
  return lines;
}

interface Text {
  file: string;
  lines: string[];
}

function checkCount(hypotheses: Text, references: Text): void {
  if (hypotheses.lines.length === references.lines.length) return;
  throw new ArgumentError(
    `${hypotheses.file} has ${hypotheses.lines.length} lines, but ${references.file} has ${references.lines.length}; ` +
      'each translation needs its reference on the same line',
  );
}
