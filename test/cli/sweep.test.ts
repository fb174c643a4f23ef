/** The command `sweep`, as a user types it, and what is left when it is interrupted or killed. */
import { type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { studyFolder } from './study-folder';

jest.setTimeout(120_000);
const place = studyFolder();
const { cli } = place;
let cwd: string;
beforeAll(() => {
  cwd = place.cwd;
});

test('trains every combination, and prints one table, the best first', async () => {
  const out = 'runs/a';
  const settings = ['train.learningRate=1e-4,1e-2', 'model.residual=baseline,3.2', 'train.maxSteps=6'];
  const { code, stdout, stderr } = await cli(['sweep', 'study.yaml', ...settings, '--processes', '2', '--out', out]);
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(
    /^\nTrial +learningRate +residual +Loss .*\n-+\n\d \* +0\.01 .*\n\d +0\.01 .*\n\d +0\.0001 .*\n\d +0\.0001 .*\n\nThe star marks the lowest evaluation loss.*\nOne run each: .*\n\nResults: runs\/a\n$/,
  );
  expect(stderr).toMatch(/^4 trainings in runs\/a, 2 at a time$/m);
  expect(stderr).toMatch(/^1: learningRate 0\.0001, residual baseline, seed 5: begins$/m);
  expect(stderr).toMatch(/^4: learningRate 0\.01, residual 3\.2, seed 5: finished, eval loss \d\.\d{4} \(\d of 4/m);
  expect(fs.readdirSync(path.join(cwd, out)).sort()).toEqual([
    '1_learningRate=0.0001_residual=baseline',
    '2_learningRate=0.0001_residual=3.2',
    '3_learningRate=0.01_residual=baseline',
    '4_learningRate=0.01_residual=3.2',
    'figures',
    'report.html',
    'sweep.csv',
    'sweep.json',
    'sweep.md',
    'sweep.yaml',
  ]);
  // A trial is a run like any other.
  const evaluated = await cli(['evaluate', `${out}/4_learningRate=0.01_residual=3.2`]);
  expect(evaluated.stdout).toMatch(/^Method 3\.2, /);
});

test('wrong settings end with 2, and nothing is made', async () => {
  const result = await cli(['sweep', 'study.yaml', 'train.lerningRate=1,2', '--out', 'runs/wrong']);
  expect(result).toMatchObject({ code: 2, stdout: '' });
  expect(result.stderr).toBe(
    'override "train.lerningRate=1,2" train.lerningRate unknown key; did you mean learningRate?\n',
  );
  expect(fs.existsSync(path.join(cwd, 'runs/wrong'))).toBe(false);
});

describe('ended early', () => {
  const settings = ['train.learningRate=1e-3,1e-2', 'train.maxSteps=300', 'train.evalEvery=50', '--processes', '2'];
  let whole: string[];
  beforeAll(async () => {
    await cli(['sweep', 'study.yaml', ...settings, '--out', 'runs/whole']);
    whole = lossesOf('runs/whole');
  });

  /** What does not depend on the clock. */
  function lossesOf(out: string): string[] {
    const { runs } = JSON.parse(fs.readFileSync(path.join(cwd, out, 'sweep.json'), 'utf8')) as {
      runs: { folder: string; score: number }[];
    };
    return runs.map(({ folder, score }) => `${folder} ${score}`);
  }

  /** Once both trainings have written a checkpoint. */
  async function whenBothAreOnTheWay(out: string): Promise<void> {
    const names = ['1_learningRate=0.001', '2_learningRate=0.01'];
    while (!names.every((name) => fs.existsSync(path.join(cwd, out, name, 'latest')))) await sleep(20);
  }

  /** Runs the command, and ends it by a signal in the middle. */
  async function interruptedBy(signal: NodeJS.Signals, out: string) {
    let children: number[] = [];
    let begun: ChildProcess | undefined;
    const result = await cli(['sweep', 'study.yaml', ...settings, '--out', out], (child) => {
      if (begun) return;
      begun = child;
      void whenBothAreOnTheWay(out).then(() => {
        children = childrenOf(child.pid!);
        child.kill(signal);
      });
    });
    return { result, children };
  }

  const childrenOf = (pid: number) =>
    fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  const isAlive = (pid: number) => {
    try {
      return !/\) Z /.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'));
    } catch {
      return false; // nothing is known of it any more
    }
  };

  test('Ctrl-C saves all trainings, says how to go on, and that gives the same', async () => {
    const { result } = await interruptedBy('SIGINT', 'runs/interrupted');
    expect(result.code).toBe(130);
    const [, command] = /To go on: torchwright (.*)\n$/.exec(result.stderr)!;
    const resumed = await cli([...command!.split(' '), '--processes', '2']);
    expect(resumed.code).toBe(0);
    expect(lossesOf('runs/interrupted')).toEqual(whole);
  });

  test('killed outright, its trainings stop by themselves, and go on when it is resumed', async () => {
    const { result, children } = await interruptedBy('SIGKILL', 'runs/killed');
    expect(result.code).toBeNull();
    expect(children).toHaveLength(2);
    for (let tries = 0; children.some(isAlive) && tries < 500; tries++) await sleep(20);
    expect(children.filter(isAlive)).toEqual([]);
    const resumed = await cli(['sweep', 'study.yaml', ...settings, '--out', 'runs/killed', '--resume']);
    expect(resumed.code).toBe(0);
    expect(lossesOf('runs/killed')).toEqual(whole);
  });
});
