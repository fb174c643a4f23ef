#!/usr/bin/env node
/** The command line: which commands there are, and what an error looks like. Commands load what they need when they run. */
import { Command, CommanderError } from 'commander';

import { version } from '../version';
import { addAverage } from './average';
import { addBuild } from './build';
import { addCompare } from './compare';
import { addDoctor } from './doctor';
import { addEvaluate } from './evaluate';
import { addGenerate } from './generate';
import { exitCodes, exitCodeOf, printError } from './failure';
import { addInit } from './init';
import { addParity } from './parity';
import { addPlan } from './plan';
import { addProfile } from './profile';
import { addReport } from './report';
import { addScore } from './score';
import { addSweep } from './sweep';
import { addTrain } from './train';
import { addTranslate } from './translate';
import { addWatch } from './watch';

function createProgram(): Command {
  const program = new Command('torchwright')
    .description(
      'Trains and compares language and translation models on libtorch: decoders whose residual stream is recomputed, DeLighT, Transformers.',
    )
    .version(version)
    .option('--debug', 'show where in the program an error came from (also: TORCHWRIGHT_DEBUG=1)')
    .showHelpAfterError('(add --help for the options and examples)')
    .exitOverride()
    .addHelpText(
      'after',
      `
Examples:
  torchwright init                                  a study to begin with, study.yaml, every key explained
  torchwright compare demo                          seven variants on Moby-Dick, seven reports, one table: some minutes
  torchwright train demo model.residual=3.2         one variant of the same study
  torchwright train study.yaml train.learningRate=1e-3 --out runs/a
  torchwright watch runs/a                          its curves while it trains, in a browser
  torchwright sweep demo train.learningRate=1e-3,3e-3 --processes 2   every setting, one table
  torchwright evaluate runs/a                       its best model, anew
  torchwright compare translate-demo                a DeLighT and a Transformer learn to translate: some minutes
  torchwright plan demo                             steps, time and memory of its trainings, before they begin
  torchwright profile demo                          what each variant costs, before anything runs
  torchwright profile delight-wmt14-en-de-640       a model's sizes and cost, block by block
  torchwright generate runs/a/best 'Call me'        goes on with a text, token by token
  torchwright translate runs/b/best < in.txt        beam search, a line at a time
  torchwright score out.txt reference.txt           BLEU, as sacreBLEU has it
  torchwright doctor                                what is missing on this machine

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 130 interrupted.`,
    );
  const train = [addInit, addPlan, addCompare, addSweep, addTrain, addWatch, addEvaluate, addReport, addAverage];
  for (const add of [...train, addGenerate, addTranslate, addScore, addParity, addProfile, addDoctor, addBuild])
    add(program);
  for (const command of program.commands)
    command.exitOverride().showHelpAfterError('(add --help for the options and examples)');
  return program;
}

/** Runs one command. @returns the exit code */
export async function main(args: string[]): Promise<number> {
  const program = createProgram();
  try {
    await program.parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? exitCodes.done);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    printError(error, program.opts<{ debug?: boolean }>().debug ?? false);
    return exitCodeOf(error);
  }
}

if (require.main === module) {
  void main(process.argv.slice(2)).then((code) => {
    process.exitCode = code;
  });
}
