/** What is swept, as files and commands say it, and what is wrong with it: nothing is trained here. */
import fs from 'node:fs';
import path from 'node:path';

import { formatConfig } from '../../../lib/config';
import { readStudy } from '../../../lib/study';
import { readSweep, type SweepStudyInput } from '../../../lib/study/sweep/read';
import type { SweepInput } from '../../../lib/study/sweep/section';
import { temporaryFolder } from '../../train/tokens';
import { smallTranslationStudy } from '../pairs';
import { smallStudy } from '../small';

let folder: string;
beforeAll(() => (folder = temporaryFolder()));
afterAll(() => fs.rmSync(folder, { recursive: true }));

const study = smallStudy('corpus.txt', 'runs');
const translation = smallTranslationStudy({ source: 'a.en', target: 'a.de' }, 'runs');

/** Writes a file of which errors name the lines. */
function write(text: string, name = 'sweep.yaml'): string {
  const file = path.join(folder, name);
  fs.writeFileSync(path.join(folder, 'base.yaml'), formatConfig(study));
  fs.writeFileSync(path.join(folder, 'translation.yaml'), formatConfig(translation));
  fs.writeFileSync(file, text);
  return file;
}

const titles = (source: string | SweepStudyInput, overrides: string[] = [], given: SweepInput = {}) =>
  readSweep(source, overrides, given).points.map(({ title }) => title);

function problems(source: string | SweepStudyInput, overrides: string[] = [], given: SweepInput = {}): string[] {
  try {
    readSweep(source, overrides, given);
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_CONFIG' });
    return (error as Error).message.replaceAll(`${folder}/`, '').split('\n');
  }
  throw new Error('nothing was refused');
}

describe('a grid', () => {
  test('is every combination, the last key changing first', () => {
    const file = write(
      'extends: base.yaml\nsweep:\n  grid:\n    train.learningRate: [1e-2, 3e-3]\n    model.hiddenSize: [16, 32, 64]\n',
    );
    const sweep = readSweep(file);
    expect(sweep.points.map(({ number, title }) => `${number} ${title}`)).toEqual([
      '1 learningRate 0.01, hiddenSize 16',
      '2 learningRate 0.01, hiddenSize 32',
      '3 learningRate 0.01, hiddenSize 64',
      '4 learningRate 0.003, hiddenSize 16',
      '5 learningRate 0.003, hiddenSize 32',
      '6 learningRate 0.003, hiddenSize 64',
    ]);
    expect(sweep.points[5]!.training.study).toMatchObject({ model: { hiddenSize: 64 }, train: { learningRate: 3e-3 } });
    expect(sweep.points[5]!.slug).toBe('6_learningRate=0.003_hiddenSize=64');
    expect(sweep.seeds).toEqual([5]);
  });

  test('takes values of every kind, whole sections and lists among them', () => {
    expect(
      titles(study, [], {
        grid: { 'train.schedule': ['linear', { type: 'cosine', warmupUpdates: 2 }], 'train.maxGradNorm': [null, 1] },
      }),
    ).toEqual([
      'schedule linear, maxGradNorm null',
      'schedule linear, maxGradNorm 1',
      'schedule { type: cosine, warmupUpdates: 2 }, maxGradNorm null',
      'schedule { type: cosine, warmupUpdates: 2 }, maxGradNorm 1',
    ]);
  });

  test('keys that reach deeper are set in what the others have put there', () => {
    const { points } = readSweep(study, [
      'model.residual.window=0,1',
      'model.residual={ site: mlp, weights: mean },{ site: mlp, weights: sum }',
    ]);
    expect(points.map(({ training }) => (training.study as { model: object }).model)).toMatchObject([
      { residual: { weights: 'mean', window: 0 } },
      { residual: { weights: 'sum', window: 0 } },
      { residual: { weights: 'mean', window: 1 } },
      { residual: { weights: 'sum', window: 1 } },
    ]);
  });
});

test('a list sets keys together, and is crossed with the grid', () => {
  const list = [
    { 'train.batchSize': 2, 'train.maxSteps': 8 },
    { 'train.batchSize': 4, 'train.maxSteps': 4 },
  ];
  expect(titles(study, [], { list })).toEqual(['batchSize 2, maxSteps 8', 'batchSize 4, maxSteps 4']);
  expect(titles(study, ['train.beta2=0.99,0.98'], { list })).toEqual([
    'batchSize 2, maxSteps 8, beta2 0.99',
    'batchSize 2, maxSteps 8, beta2 0.98',
    'batchSize 4, maxSteps 4, beta2 0.99',
    'batchSize 4, maxSteps 4, beta2 0.98',
  ]);
});

describe('on the command line', () => {
  test.each([
    ['train.learningRate=1e-3,3e-4', ['learningRate 0.001', 'learningRate 0.0003']],
    ['model.residual=baseline, 3.2, 3.2 stored', ['residual baseline', 'residual 3.2', 'residual 3.2 stored']],
    ['data.corpus=[a.txt, b.txt], c.txt', ['corpus [ a.txt, b.txt ]', 'corpus c.txt']],
    ['data.corpus="a,b.txt",c.txt', ['corpus a,b.txt', 'corpus c.txt']],
    ['data.tokenizer=bytes,{ bpe: 300 }', ['tokenizer bytes', 'tokenizer { bpe: 300 }']],
  ])('%s', (text, expected) => {
    expect(titles(study, [text])).toEqual(expected);
  });

  test('a key takes the place of what the file sweeps, and one value is for all', () => {
    const file = write(
      'extends: base.yaml\nsweep: { grid: { train.learningRate: [1e-2, 3e-3], model.hiddenSize: [16, 32] } }\n',
    );
    expect(titles(file, ['train.learningRate=5e-3'])).toEqual(['hiddenSize 16', 'hiddenSize 32']);
    expect(titles(file, ['train.learningRate=5e-3,6e-3', 'model.hiddenSize=16', 'train.maxSteps=3'])).toEqual([
      'learningRate 0.005',
      'learningRate 0.006',
    ]);
    const { points, seeds } = readSweep(file, ['train.maxSteps=3', 'seeds=2']);
    expect(points.map(({ training }) => training.study.train.maxSteps)).toEqual([3, 3, 3, 3]);
    expect(seeds).toEqual([5, 6]);
  });
});

describe('a study of named models', () => {
  test('trains its first, or the one that `model` names', () => {
    expect(readSweep(translation, ['train.beta2=0.9,0.98']).points.map(({ training }) => training.model)).toEqual([
      'Transformer',
      'Transformer',
    ]);
    const { points } = readSweep(translation, ['model=Transformer,DeLighT', 'train.beta2=0.9,0.98']);
    expect(points.map(({ title, training }) => `${title}: ${training.model}`)).toEqual([
      'model Transformer, beta2 0.9: Transformer',
      'model Transformer, beta2 0.98: Transformer',
      'model DeLighT, beta2 0.9: DeLighT',
      'model DeLighT, beta2 0.98: DeLighT',
    ]);
    expect(readSweep(translation, ['model=DeLighT', 'train.beta2=0.9,0.98']).points[0]!.training.model).toBe('DeLighT');
  });

  test('names are as long as it takes to tell keys apart', () => {
    const grid = { 'models.DeLighT.dropout': [0, 0.1], 'models.DeLighT.hiddenSize': [32, 64] };
    expect(titles(translation, ['model=DeLighT'], { grid }).at(-1)).toBe('dropout 0.1, hiddenSize 64, model DeLighT');
    const both = { 'models.DeLighT.dropout': [0, 0.1], 'models.Transformer.dropout': [0, 0.1] };
    // Only one of the two is trained, so the other's sizes are no difference.
    expect(problems(translation, [], { grid: both })).toEqual([
      'runSweep models.DeLighT.dropout "DeLighT.dropout 0.1, Transformer.dropout 0" would be the same training as ' +
        '"DeLighT.dropout 0, Transformer.dropout 0"',
    ]);
  });

  test('a model that is not there, a rate that another rule gives, keys of other kinds', () => {
    const file = write('extends: translation.yaml\nsweep:\n  grid:\n    model: [DeLight, Delirium, 3]\n');
    expect(problems(file)).toEqual([
      'sweep.yaml:4:22 The study has no model Delirium; it has Transformer, DeLighT.',
      "sweep.yaml:4:32 model expected the name of one of the study's models",
    ]);
    expect(problems(translation, ['model=DeLighT', 'train.learningRate=1e-3,2e-3'])).toEqual([
      'override "train.learningRate=1e-3,2e-3" train.learningRate "learningRate 0.002, model DeLighT" would be the same training ' +
        'as "learningRate 0.001, model DeLighT" (learningRates may give the rate of DeLighT)',
    ]);
  });
});

describe('what is wrong is told at once, where it stands', () => {
  test('values and keys, each once, however many trials they are in', () => {
    const file = write(`extends: base.yaml
sweep:
  grid:
    train.learningRate: [1e-3, fast]
    train.lerningRate: [1, 2]
    model.hiddenSize.x: [1]
  list:
    - { train.beta1: 0.9, train.epsilon: small }
    - train.beta1: 0.8
`);
    expect(problems(file).sort()).toEqual([
      'sweep.yaml:4:32 train.learningRate expected a number, found "fast"',
      'sweep.yaml:5:5 train.lerningRate unknown key; did you mean learningRate?',
      'sweep.yaml:6:5 model.hiddenSize is 16, not a section; x cannot be set in it',
      'sweep.yaml:8:42 train.epsilon expected a number, found "small"',
    ]);
  });

  test('a problem that only some combinations have says which', () => {
    const file = write(`extends: base.yaml
sweep:
  grid:
    model.hiddenSize: [16, 24, 36]
    model.numAttentionHeads: [2, 3, 8]
`);
    expect(problems(file)).toEqual([
      'sweep.yaml:5:34 model.numAttentionHeads 3 heads do not divide hiddenSize 16; change one of them or give headDim ' +
        '(with hiddenSize 16, numAttentionHeads 3)',
      expect.stringMatching(/^sweep.yaml:5:37 .* must be even \(with hiddenSize 24, numAttentionHeads 8\)$/),
      expect.stringMatching(
        /^sweep.yaml:5:37 .* do not divide hiddenSize 36.* \(with hiddenSize 36, numAttentionHeads 8\)$/,
      ),
    ]);
  });

  test.each<[string, string, string[]]>([
    [
      'one value for a list',
      'grid: { train.learningRate: 1e-3 }',
      ['sweep.yaml:2:38 sweep.grid.train.learningRate expected a list, found 0.001'],
    ],
    [
      'a nested key',
      'grid: { train: { learningRate: [1, 2] } }',
      ['sweep.yaml:2:25 sweep.grid.train expected a list, found a section'],
    ],
    [
      'no values',
      'grid: { train.learningRate: [] }',
      [
        'sweep.yaml:2:38 sweep.grid.train.learningRate too small: expected array to have >=1 items, found an empty list',
      ],
    ],
    ['another word', 'gird: {}', ['sweep.yaml:2:10 sweep.gird unknown key; known here: grid, list']],
    ['an entry without keys', 'list: [{}]', ['sweep.yaml:2:17 sweep.list.0 sets no key']],
    [
      'a broken key',
      'grid: { train..x: [1, 2] }',
      ['sweep.yaml:2:18 sweep.grid.train..x expected a key such as train.learningRate'],
    ],
    [
      'a key twice',
      'grid: { train.beta1: [0.9, 0.8] }, list: [{ train.beta1: 0.7 }]',
      ['sweep.yaml:2:54 sweep.list.0.train.beta1 is in the grid, too; leave it out here or there'],
    ],
    [
      'nothing',
      '',
      ['Nothing is swept: give a key several values, train.learningRate=1e-3,3e-4, or the study a section `sweep:`.'],
    ],
    [
      'the same value twice',
      'grid: { train.beta1: [0.9, 9e-1] }',
      ['sweep.yaml:2:18 train.beta1 "beta1 0.9" would be the same training as "beta1 0.9"'],
    ],
    [
      'seeds',
      'grid: { seed: [1, 2] }',
      [
        'sweep.yaml:2:18 seed is not swept: every trial is trained with all seeds of the study (--seeds 3, or seeds: [1, 2])',
      ],
    ],
    ['the name', 'grid: { name: [a, b] }', ['sweep.yaml:2:18 name is the same for all trials']],
    [
      'variants',
      'grid: { variants: [[baseline], [1]] }',
      ['sweep.yaml:2:18 variants is what `compare` trains; a sweep trains model.residual: give that several values'],
    ],
  ])('%s', (_, section, expected) => {
    expect(problems(write(`extends: base.yaml\nsweep: { ${section} }\n`))).toEqual(expected);
  });

  test.each([
    ['train.learningRate', /expected section\.key=value/],
    [
      'model.hiddenSize=16,x',
      /^override "model\.hiddenSize=16,x" model\.hiddenSize expected a (whole )?number, found "x"$/,
    ],
    ['seeds=1,2', /^override "seeds=1,2" seeds is not swept/],
  ])('on the command line: %s', (text, message) => {
    expect(problems(study, [text])).toEqual([expect.stringMatching(message)]);
  });

  test('a key in the list and on the command line', () => {
    expect(problems(study, ['train.beta1=0.5'], { list: [{ 'train.beta1': 0.7 }] })).toEqual([
      `override "train.beta1=0.5" train.beta1 is in the sweep's list, too; leave it out here or there`,
    ]);
  });

  test('far too many trials', () => {
    const grid = Object.fromEntries(
      ['beta1', 'beta2', 'epsilon', 'learningRate', 'weightDecay'].map((key) => [
        `train.${key}`,
        Array.from({ length: 10 }, (_, index) => (index + 1) / 100),
      ]),
    );
    expect(problems(study, [], { grid })).toEqual(['These are 100000 trials; more than 10000 are hardly meant.']);
  });
});

test('other commands say whose the section is', () => {
  const file = write('extends: base.yaml\nsweep: { grid: { train.beta1: [0.9, 0.8] } }\n');
  expect(() => readStudy(file)).toThrow(/sweep\.yaml:2:8 sweep is for `torchwright sweep`/);
});

test('what it comes to can be written down, and read back as the same', () => {
  const file = write(
    'extends: translation.yaml\nsweep: { grid: { model: [DeLighT, Transformer] }, list: [{ train.beta2: 0.9, train.beta1: 0.8 }, { train.beta2: 0.98 }] }\n',
  );
  const sweep = readSweep(file, ['train.maxSteps=3', 'decode.beams=1,2']);
  const saved = write(formatConfig(sweep.file), 'saved.yaml');
  const again = readSweep(saved);
  expect(again.file).toEqual(sweep.file);
  const of = ({ points }: typeof sweep) => points.map(({ slug, training }) => [slug, training.identity]);
  expect(of(again)).toEqual(of(sweep));
});
