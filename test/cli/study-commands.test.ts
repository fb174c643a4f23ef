import fs from 'node:fs';
import path from 'node:path';

import { formatConfig } from '../../lib/config';
import { smallTranslationStudy, writePairs } from '../study/pairs';
import type { CliResult } from './run-cli';
import { studyFolder } from './study-folder';

const place = studyFolder();
const { cli } = place;
let cwd: string;
beforeAll(() => {
  cwd = place.cwd;
});

jest.setTimeout(60_000);

/** The lines of one printed report. */
function report(stdout: string, split: 'train' | 'eval'): string[] {
  const lines = stdout.split('\n');
  const start = lines.indexOf(`***** ${split} metrics *****`);
  const rest = lines.slice(start + 1);
  return rest.slice(
    0,
    rest.findIndex((line) => !line.startsWith('  ')),
  );
}

describe('compare', () => {
  let result: CliResult;
  beforeAll(async () => {
    result = await cli(['compare', 'study.yaml', 'train.maxSteps=8', '--out', 'runs/compared']);
  });

  test('ends well, prints a report for each variant, the table, what can be claimed, and the folder last', () => {
    expect(result).toMatchObject({ code: 0 });
    expect(result.stdout.match(/^\*{5} eval metrics \*{5}$/gm)).toHaveLength(2);
    expect(result.stdout.match(/^\*{5} train metrics \*{5}$/gm)).toHaveLength(2);
    const table = /\nVariant .*\n-+\nBaseline .*\nMethod 3\.2 .*\n\n(.*)\n\nResults: runs\/compared\n$/;
    expect(result.stdout).toMatch(table);
    expect(table.exec(result.stdout)![1]).toMatch(/^One run each: .* no difference can be claimed\. .*--seeds 3/);
  });

  test('the report has the layout of Hugging Face', () => {
    const lines = report(result.stdout, 'eval');
    expect(lines).toHaveLength(8);
    expect(lines.map((line) => line.slice(2).split(' ')[0])).toEqual([
      'epoch',
      'eval_accuracy',
      'eval_loss',
      'eval_perplexity',
      'eval_runtime',
      'eval_samples',
      'eval_samples_per_second',
      'eval_steps_per_second',
    ]);
    expect(lines[4]).toMatch(/^ {2}eval_runtime {12}= +0:00:\d\d\.\d\d$/);
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  });

  test('progress does not mix with results', () => {
    expect(result.stderr).toMatch(/Data: /);
    expect(result.stdout).not.toMatch(/Data: /);
  });

  test('the overrides are in the saved configuration', () => {
    expect(fs.readFileSync(path.join(cwd, 'runs/compared/study.yaml'), 'utf8')).toMatch(/maxSteps: 8/);
  });

  test('evaluate gives the reported numbers again', async () => {
    const evaluated = await cli(['evaluate', 'runs/compared/method-3.2']);
    expect(evaluated.code).toBe(0);
    expect(evaluated.stdout).toMatch(/^Method 3\.2, runs\/compared\/method-3\.2\/best\n/);
    const loss = (text: string) => /eval_loss += +(\S+)/.exec(text)![1];
    expect(loss(evaluated.stdout)).toBe(loss(result.stdout.slice(result.stdout.indexOf('Method 3.2\n***** eval'))));
  });
});

test('train makes a new folder by itself, and never the same one; a trace only if asked for', async () => {
  const [first, second] = [
    await cli(['train', 'study.yaml', 'train.maxSteps=1']),
    await cli(['train', 'study.yaml', 'train.maxSteps=1', '--profile-trace', '1']),
  ];
  const folders = [first, second].map(({ stdout }) => /^Results: (.*)$/m.exec(stdout)![1]!);
  expect(folders[0]).toMatch(/^runs\/small-\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d/);
  expect(folders[1]).not.toBe(folders[0]);
  const traces = folders.map((folder) => path.join(cwd, folder, 'trace.json'));
  expect(traces.map((file) => fs.existsSync(file))).toEqual([false, true]);
  const { traceEvents } = JSON.parse(fs.readFileSync(traces[1]!, 'utf8')) as { traceEvents: { name: string }[] };
  expect(traceEvents.map(({ name }) => name)).toContain('aten::mm');
});

test('train --overfit passes where a batch is learned by heart, and fails with 1 where it is not; --sanity evaluates first', async () => {
  const args = ['train', 'study.yaml', 'train.overfit.steps=40', '--sanity', '--overfit'];
  const passed = await cli([...args, '2', '--out', 'runs/learned']);
  expect(passed).toMatchObject({ code: 0, stdout: expect.stringMatching(/overfit_last_loss +=/) as string });
  expect(passed.stderr).toMatch(/step 0, eval loss \d/);
  const failed = await cli([...args, '--out', 'runs/not-learned', 'train.learningRate=1e-9']);
  expect([failed.code, failed.stderr]).toEqual([
    1,
    expect.stringMatching(/the same batch .*did not learn it.*raise train\.learningRate/),
  ]);
});

test('steps to profile that are none are a mistake in use', async () => {
  const { code, stderr } = await cli(['train', 'study.yaml', '--profile-trace', '5-3']);
  expect([code, stderr]).toEqual([2, expect.stringMatching(/Expected steps such as 3-5/)]);
});

test('Ctrl-C keeps the last step, says where, and ends with 130', async () => {
  let interrupted = false;
  const result = await cli(
    ['train', 'study.yaml', 'train.maxSteps=1000000', 'train.evalEvery=1000000', '--out', 'runs/interrupted'],
    (child, printed) => {
      if (interrupted || !printed.includes('parameters, in')) return;
      interrupted = true;
      setTimeout(() => child.kill('SIGINT'), 2000);
    },
  );
  expect(result.code).toBe(130);
  expect(result.stderr).toMatch(
    /Training was stopped after step \d+ of 1000000\. It can be resumed from runs\/interrupted\/latest\./,
  );
  expect(fs.readdirSync(path.join(cwd, 'runs/interrupted'))).toEqual(
    expect.arrayContaining(['checkpoints', 'latest', 'metrics.jsonl', 'study.yaml', 'trainer_state.json']),
  );
  expect(fs.readdirSync(path.join(cwd, 'runs/interrupted/latest'))).toContain('model.safetensors');
});

test('a run whose process was killed goes on with --resume, and ends as if it had not been', async () => {
  const args = ['train', 'study.yaml', 'train.maxSteps=400', 'train.saveEvery=10'];
  let killed = false;
  const first = await cli([...args, '--out', 'runs/killed'], (child) => {
    if (killed || !fs.existsSync(path.join(cwd, 'runs/killed/latest'))) return;
    killed = true;
    child.kill('SIGKILL');
  });
  const changed = await cli([...args, 'train.learningRate=0.5', '--out', 'runs/killed', '--resume']);
  expect(changed.code).toBe(2);
  expect(changed.stderr).toMatch(/begun with another study:\n {2}train\.learningRate: 0\.01 before, 0\.5 now\n/);
  const resumed = await cli(['train', 'runs/killed/study.yaml', '--out', 'runs/killed', '--resume']);
  expect(resumed).toMatchObject({ code: 0 });
  if (first.code !== 0) expect(resumed.stderr).toMatch(/goes on after step \d+, from runs\/killed\/checkpoints\/step-/);
  expect(await cli([...args, '--out', 'runs/not-killed'])).toMatchObject({ code: 0 });
  const [killedLoss, wholeLoss] = ['killed', 'not-killed'].map(
    (run) =>
      (JSON.parse(fs.readFileSync(path.join(cwd, `runs/${run}/eval_results.json`), 'utf8')) as { eval_loss: number })
        .eval_loss,
  );
  expect(killedLoss).toBe(wholeLoss);
});

test('a mistake in the file is told with its place', async () => {
  fs.writeFileSync(
    path.join(cwd, 'wrong.yaml'),
    'name: wrong\nmodel:\n  hiddenSize: wide\n  numHiddenLayers: 2\n  numAttentionHeads: 2\ndata:\n  corpus: corpus.txt\n',
  );
  const { code, stderr } = await cli(['train', 'wrong.yaml']);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^wrong\.yaml:3:15 model\.hiddenSize expected a .*number, found "wide"$/m);
});

test('a corpus that is not there ends with 1', async () => {
  const { code, stderr } = await cli(['train', 'study.yaml', 'data.corpus=gone.txt']);
  expect(code).toBe(1);
  expect(stderr).toMatch(/gone\.txt/);
});

describe('a translation study', () => {
  beforeAll(() => {
    const { source, target } = writePairs(cwd);
    const corpus = { source: path.basename(source), target: path.basename(target) };
    fs.writeFileSync(path.join(cwd, 'translation.yaml'), formatConfig(smallTranslationStudy(corpus, 'runs')));
  });

  test('compare prints reports, samples, the table, and the folder last', async () => {
    const { code, stdout } = await cli(['compare', 'translation.yaml', '--out', 'runs/translation']);
    expect(code).toBe(0);
    expect(stdout.match(/^\*{5} test metrics \*{5}$/gm)).toHaveLength(2);
    expect(stdout).toMatch(/^ {2}given {6}the .*\n {2}reference {2}.*\n {2}model {6}/m);
    expect(stdout).toMatch(/\nModel .*\n-+\nTransformer .*\nDeLighT .*\n[^]*\n\nResults: runs\/translation\n$/);
  });

  test('train takes one model by its name, and evaluate gives its numbers again', async () => {
    const trained = await cli([
      'train',
      'translation.yaml',
      '--model',
      'DeLighT',
      'train.maxSteps=2',
      '--out',
      'runs/one',
    ]);
    expect(trained.code).toBe(0);
    const evaluated = await cli(['evaluate', 'runs/one']);
    expect(evaluated.stdout).toMatch(/^DeLighT, runs\/one\/best\n\*{5} test metrics/);
    const perplexity = (text: string) => /test_perplexity += +(\S+)/.exec(text)![1];
    expect(perplexity(evaluated.stdout)).toBe(perplexity(trained.stdout));
  });

  test('a mistake in a model is told with its place', async () => {
    const file = path.join(cwd, 'translation.yaml');
    const wrong = fs.readFileSync(file, 'utf8').replace('maxDepth: 3', 'maxDepth: 1');
    fs.writeFileSync(path.join(cwd, 'wrong-translation.yaml'), wrong);
    const line = wrong.split('\n').findIndex((text) => text.includes('maxDepth: 1')) + 1;
    const { code, stderr } = await cli(['compare', 'wrong-translation.yaml']);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      new RegExp(`^wrong-translation\\.yaml:${line}:\\d+ models\\.DeLighT\\.encoder\\.maxDepth 1 `, 'm'),
    );
  });
});

test('a model by name is not for a study of residual variants', async () => {
  const { code, stderr } = await cli(['train', 'study.yaml', '--model', '3.2']);
  expect(code).toBe(2);
  expect(stderr).toMatch(/give model\.residual=3\.2/);
});
