import fs from 'node:fs';
import path from 'node:path';

import { defineStudy, type StudyDefinition } from '../../lib/study';
import { readStudy, trainStudy, type StudyConfig } from '../../lib/study';
import { temporaryFolder } from '../train/tokens';
import { smallStudy, writeCorpus } from './small';

let cwd: string;
const write = (name: string, text: string): string => {
  const file = path.join(cwd, name);
  fs.writeFileSync(file, text);
  return file;
};
beforeAll(() => {
  cwd = fs.realpathSync(temporaryFolder());
  const modules = path.join(cwd, 'node_modules');
  const repository = path.resolve(__dirname, '../..');
  fs.mkdirSync(modules);
  fs.symlinkSync(repository, path.join(modules, 'torchwright'));
  fs.symlinkSync(path.join(repository, 'node_modules/typescript'), path.join(modules, 'typescript'));
});
afterAll(() => fs.rmSync(cwd, { recursive: true }));

test('a study may extend a shipped one', () => {
  const demo = readStudy('demo') as StudyConfig;
  const file = write('wider.yaml', 'extends: demo\nname: wider\nmodel: { hiddenSize: 128 }\nvariants: [3.2]\n');
  fs.mkdirSync(path.join(path.dirname(file), 'demo')); // a folder of its name is no study
  const wider = readStudy(file, ['train.maxSteps=7']) as StudyConfig;
  expect(wider).toEqual({
    ...demo,
    name: 'wider',
    model: { ...demo.model, hiddenSize: 128, headDim: 32 },
    variants: [{ site: 'mlp', weights: 'learned' }],
    train: { ...demo.train, maxSteps: 7 },
  });
});

test('the task may come from the study that is extended', () => {
  const file = write('smaller.json', JSON.stringify({ extends: 'sotu-lm', models: { DeLighT: { hiddenSize: 64 } } }));
  expect(readStudy(file)).toMatchObject({ task: 'language-model', models: { DeLighT: { hiddenSize: 64 } } });
});

test('an unknown name is told with what to look for', () => {
  const file = write('wrong.yaml', 'name: x\nextends: demmo\n');
  expect(() => readStudy(file)).toThrow(
    /wrong\.yaml:2:10 extends demmo: there is no file .*demmo, and no configuration of this name is shipped/,
  );
});

test('in TypeScript, with defineStudy', () => {
  const file = write(
    'study.ts',
    `import { defineStudy, type StudyFile } from 'torchwright';
     const model: StudyFile['model'] = { hiddenSize: 32 };
     export default defineStudy(async () => ({ extends: 'demo', name: 'typed', model }));`,
  );
  expect(readStudy(file)).toMatchObject({ name: 'typed', model: { hiddenSize: 32, numHiddenLayers: 4 } });
});

test('a run keeps the whole study, so that it stands by itself', async () => {
  const base = write('base.json', JSON.stringify(smallStudy(writeCorpus(cwd), path.join(cwd, 'runs'))));
  const file = write(
    'short.mjs',
    `export default { extends: './${path.basename(base)}', train: { maxSteps: 2, evalEvery: 2 } };`,
  );
  const { folder } = await trainStudy(file, { cacheDir: path.join(cwd, 'cache') });
  fs.rmSync(base);
  const kept = readStudy(path.join(folder, 'study.yaml')) as StudyConfig;
  expect(kept).toMatchObject({ name: 'small', train: { maxSteps: 2 }, model: { hiddenSize: 16 } });
});

test('defineStudy gives back what it was given, and knows the keys', () => {
  const study = { extends: 'demo', train: { maxSteps: 3 } };
  expect(defineStudy(study)).toBe(study);
  const wrong: StudyDefinition[] = [
    // @ts-expect-error -- no such key
    { extends: 'demo', train: { maxStep: 3 } },
    // @ts-expect-error -- incomplete, and extends nothing
    { name: 'x', model: { hiddenSize: 8 } },
    // @ts-expect-error -- a wrong type
    () => ({ extends: 'demo', model: { hiddenSize: 'big' } }),
    // @ts-expect-error -- no such variant's switch
    { extends: 'demo', variants: [{ site: 'mpl' }] },
  ];
  const right: StudyDefinition[] = [
    { name: 'x', model: { hiddenSize: 8, residual: 3.2 }, data: { corpus: 'a.txt' }, variants: ['1', { site: 'mlp' }] },
    { extends: ['a.yaml', 'b.yaml'], models: { A: { dropout: 0 } } },
    {
      task: 'translation',
      name: 'x',
      data: { corpus: 'p.tsv' },
      models: { A: { architecture: 'delight-wmt14-en-de-128' } },
    },
  ];
  expect([wrong.length, right.length]).toEqual([4, 3]);
});
