import fs from 'node:fs';
import path from 'node:path';

import { main } from '../../lib/cli/main';
import { formatConfig } from '../../lib/config';
import { smallStudy } from '../study/small';
import { temporaryFolder } from '../train/tokens';

/** Runs the command line in this process, in a folder of its own; what only a process shows is in study-commands.test.ts. */
let cwd: string;
const home = process.cwd();

beforeAll(() => {
  cwd = temporaryFolder();
  fs.writeFileSync(path.join(cwd, 'study.yaml'), formatConfig(smallStudy('corpus.txt', 'runs')));
  process.chdir(cwd);
});
afterAll(() => {
  process.chdir(home);
  fs.rmSync(cwd, { recursive: true });
});

async function run(args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const printed = { stdout: '', stderr: '' };
  const catchAll = (stream: 'stdout' | 'stderr') => (text: unknown) => {
    printed[stream] += text instanceof Error ? `${text.stack}\n` : String(text);
    return true;
  };
  const spies = [
    jest.spyOn(process.stdout, 'write').mockImplementation(catchAll('stdout')),
    jest.spyOn(process.stderr, 'write').mockImplementation(catchAll('stderr')),
    jest.spyOn(console, 'error').mockImplementation(catchAll('stderr')),
  ];
  try {
    return { code: await main(args), ...printed };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

describe('mistakes end with 2, say what is wrong and do nothing', () => {
  test.each<[string, string[], RegExp]>([
    ['no command', [], /Usage: torchwright/],
    ['an unknown command', ['trian'], /unknown command 'trian'.*Did you mean train\?/s],
    ['an unknown flag', ['train', 'study.yaml', '--ouput', 'x'], /unknown option '--ouput'.*Did you mean --out/s],
    ['a missing study', ['train'], /missing required argument 'study'/],
    [
      'a study that is not there',
      ['compare', 'nothing.yaml'],
      /There is no study nothing\.yaml: .*demo, descriptions-en-de, note, .*sotu/,
    ],
    [
      'an unknown key',
      ['train', 'study.yaml', 'train.learningrate=1'],
      /override "train\.learningrate=1" train\.learningrate unknown key; did you mean learningRate\?/,
    ],
    ['an override that is none', ['train', 'study.yaml', 'learningRate'], /expected section\.key=value/],
    ['a wrong value', ['train', 'study.yaml', 'model.numAttentionHeads=3'], /3 heads do not divide hiddenSize 16/],
    ['a folder that is taken', ['train', 'study.yaml', '--out', '.'], /is not empty/],
    ['a run that is none', ['evaluate', 'nowhere'], /nowhere is not the folder of a run/],
    ['fixtures that are not there', ['parity', '--fixtures', 'nowhere'], /nowhere is not a folder/],
    ['an unknown dtype', ['parity', '--fixtures', '.', '--dtype', 'float16'], /Allowed choices are float64, float32/],
  ])('%s', async (_name, args, message) => {
    const { code, stderr } = await run(args);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(code).toBe(2);
    expect(fs.readdirSync(cwd)).toEqual(['study.yaml']);
  });
});

test('--debug shows where an error came from', async () => {
  const { stderr } = await run(['train', 'nothing.yaml', '--debug']);
  expect(stderr).toMatch(/^ +at /m);
});

test.each([
  'init',
  'train',
  'compare',
  'evaluate',
  'translate',
  'score',
  'profile',
  'average',
  'parity',
  'doctor',
  'build',
])('%s --help explains', async (command) => {
  const { code, stdout } = await run([command, '--help']);
  expect(code).toBe(0);
  expect(stdout).toMatch(new RegExp(`Usage: torchwright ${command}`));
});
