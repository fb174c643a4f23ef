/** The live page from the command line. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { writeRun } from '../curves/sample-run';
import { temporaryFolder } from '../train/tokens';

const root = path.resolve(__dirname, '../..');
const preload = ['scripts/register.cjs', 'test/cli/without-addon.cjs'].flatMap((file) => ['-r', path.join(root, file)]);
let folder: string;
beforeAll(() => {
  folder = temporaryFolder();
  writeRun(path.join(folder, 'run'), 20);
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

/** Runs `watch` in a process that cannot load any addon; `seen` may look at the page. */
async function watch(args: string[], seen?: (url: string) => Promise<void>) {
  const child = spawn(process.execPath, [...preload, path.join(root, 'lib/cli/main.ts'), 'watch', ...args], {
    cwd: folder,
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  let [stdout, stderr] = ['', ''];
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
  for await (const chunk of child.stdout) {
    stdout += String(chunk);
    const url = /at (http:\S+)/.exec(stdout)?.[1];
    if (url === undefined) continue;
    await seen?.(url);
    child.kill('SIGINT');
  }
  return { code: await closed, stdout, stderr };
}

test('serves until Ctrl-C, without libtorch', async () => {
  const { code, stdout, stderr } = await watch(['run', 'later', '--port', '0'], async (url) => {
    // An open page does not keep it from ending.
    const events = await fetch(new URL('/api/events', url));
    const { value } = await events.body!.getReader().read();
    expect(Buffer.from(value as Uint8Array).toString()).toMatch(/^data: /);
    const state = (await (await fetch(new URL('/api/runs', url))).json()) as object;
    expect(state).toMatchObject({ runs: [{ name: 'run', step: 20 }], waiting: ['later'] });
  });
  expect(stdout).toMatch(/^Watching run, later at http:\/\/127\.0\.0\.1:\d+\/\n$/);
  expect([code, stderr]).toEqual([0, 'addons asked for: 0\n']);
});

test('a mistaken port is wrong usage', async () => {
  expect(await watch(['run', '--port', '99999'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^port is 99999; it must be a whole number from 0 to 65535/),
  });
});
