/** Ctrl-C on real processes: once saves and stops, twice stops at once. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { readHistory } from '../../lib/metrics';
import { studyFolder } from './study-folder';

const place = studyFolder();
const { cli } = place;
let cwd: string;
beforeAll(() => {
  cwd = place.cwd;
});

jest.setTimeout(60_000);

const asked = /press Ctrl-C again to stop at once/;

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s once saves the last whole step, and --resume goes on from it',
  async (signal) => {
    const out = path.join('runs', signal);
    const endless = ['train.maxSteps=1000000', 'train.evalEvery=1000000', 'train.saveEvery=50'];
    const args = ['train', 'study.yaml', ...endless, '--out', out];
    const saved = () => {
      const link = path.join(cwd, out, 'latest');
      return fs.existsSync(link) ? Number(/step-(\d+)$/.exec(fs.readlinkSync(link))![1]) : 0;
    };
    /** Sends the signal when more has been saved. */
    const interrupted = async (...more: string[]) => {
      const before = saved();
      let timer: NodeJS.Timeout | undefined;
      const result = await cli([...args, ...more], (child) => {
        timer ??= setInterval(() => {
          if (saved() === before) return;
          clearInterval(timer);
          child.kill(signal);
        }, 5);
      });
      clearInterval(timer);
      return result;
    };

    const stopped = await interrupted();
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toMatch(asked);
    const step = Number(/stopped after step (\d+) of 1000000/.exec(stopped.stderr)![1]);
    expect(saved()).toBe(step);

    expect(await interrupted('--resume')).toMatchObject({ code: 130 });
    expect(saved()).toBeGreaterThan(step);
    const records = await readHistory(path.join(cwd, out));
    const steps = records.flatMap((record) => (record.type === 'step' ? [record.step] : []));
    expect(steps).toEqual(Array.from({ length: saved() }, (_, index) => index + 1));
  },
);

test('twice stops at once, in the middle of a step that takes long', async () => {
  const slow = ['model.hiddenSize=512', 'model.intermediateSize=2048', 'train.batchSize=512', 'train.maxSteps=1000'];
  const args = ['train', 'study.yaml', ...slow, '--out', 'runs/twice'];
  let first = NaN;
  let second = NaN;
  const result = await cli(args, (child, printed) => {
    if (Number.isNaN(first) && printed.includes('parameters, in')) {
      first = performance.now();
      setTimeout(() => child.kill('SIGINT'), 500);
    }
    if (Number.isNaN(second) && asked.test(printed)) {
      second = performance.now();
      child.kill('SIGINT');
    }
  });
  const seconds = (performance.now() - second) / 1000;
  expect(result.code).toBe(130);
  expect(result.stderr).not.toMatch(/stopped after step/);
  expect(seconds).toBeLessThan(5);
});

test('twice stops at once whatever the first one waits for', async () => {
  const program = path.join(cwd, 'waits.cjs');
  const lib = path.resolve(__dirname, '../../dist/cli/interrupt.js');
  fs.writeFileSync(
    program,
    `require(${JSON.stringify(lib)}).interruptible(() => new Promise(() => { setInterval(() => {}, 1000); console.log('waiting'); }));`,
  );
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.once('data', () => child.kill('SIGINT'));
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    if (asked.test(stderr)) child.kill('SIGINT');
  });
  expect(await new Promise((resolve) => child.on('close', resolve))).toBe(130);
});
