import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { fetchLibtorch } from '../../lib/setup/fetch';
import { cleanEnvironment, fakePythons, libtorchZip, recordingProgress, temporaryFolder } from './fakes';
import { answer, ScriptedServer, serve, type Handler } from './server';

const zip = libtorchZip('2.13.0');
const sha256 = createHash('sha256').update(zip).digest('hex');
const folder = temporaryFolder();
const cache = () => path.join(folder(), 'cache');
cleanEnvironment();

let server: ScriptedServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** Serves the archive, and beside it the checksum file if there is one. */
async function archiveServer(checksum?: string): Promise<void> {
  const handler: Handler = (request, response) => {
    if (!request.url?.endsWith('.sha256')) serve(zip)(request, response);
    else if (checksum === undefined) answer(404)(request, response);
    else response.end(`${checksum}  libtorch.zip\n`);
  };
  server = await ScriptedServer.start(handler);
  process.env.TORCHWRIGHT_LIBTORCH_URL = server.url('/libtorch.zip');
}

/** A python3 whose pip holds the wheel only for the Pythons named, where '' is the one that runs. */
function pipThatHasWheelsFor(...versions: string[]): void {
  const wheel = path.join(folder(), 'torch.whl');
  fs.writeFileSync(wheel, libtorchZip('2.13.0', 'torch'));
  const cases = versions.map((version) => `"${version}") cp ${wheel} "$dest"; exit 0;;`).join(' ');
  fakePythons(folder(), {
    python3: `
PATH=/usr/bin:/bin
if [ "$1" = -c ]; then echo '{"executable": "/python3", "version": "3.9.1", "torch": null}'; exit 0; fi
version=""; dest=""
while [ $# -gt 0 ]; do
  case "$1" in --python-version) version="$2";; --dest) dest="$2";; esac
  shift
done
case "$version" in ${cases} *) echo "ERROR: No matching distribution found for torch" >&2; exit 1;; esac`,
  });
}

const contents = (root: string) => fs.readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();

test('an archive is fetched, checked against the published checksum, and only its libtorch is kept', async () => {
  await archiveServer(sha256);
  const { libtorch, tried } = await fetchLibtorch(cache(), recordingProgress());
  const root = path.join(cache(), 'libtorch-2.13.0-cpu');
  expect(libtorch).toEqual({ root, version: '2.13.0', cuda: false });
  expect(tried).toEqual([]);
  expect(contents(root)).toContain('include/ATen/ATen.h');
  expect(contents(root).some((name) => name.includes('share'))).toBe(false);
  expect(fs.readdirSync(cache())).toEqual(['libtorch-2.13.0-cpu']);
});

test('where nobody states a checksum it says so, and what it got', async () => {
  await archiveServer();
  const progress = recordingProgress();
  await fetchLibtorch(cache(), progress);
  expect(progress.lines.join('\n')).toMatch(/Nobody states a SHA-256/);
  expect(progress.lines.join('\n')).toContain(sha256);
});

test.each([
  ['the server lies', 'b'.repeat(64), undefined],
  ['the user demands another', undefined, 'b'.repeat(64)],
])('a wrong checksum is refused and nothing stays: %s', async (_case, published, demanded) => {
  await archiveServer(published);
  if (demanded) process.env.TORCHWRIGHT_LIBTORCH_SHA256 = demanded;
  const { libtorch, tried } = await fetchLibtorch(cache(), recordingProgress());
  expect(libtorch).toBeUndefined();
  expect(tried.join('\n')).toContain(sha256);
  expect(fs.readdirSync(cache())).toEqual([]);
});

test.each(['path', 'file URL'])('an archive on the disk may be named by its %s and is left there', async (form) => {
  const file = path.join(folder(), 'my libtorch.zip');
  fs.writeFileSync(file, zip);
  process.env.TORCHWRIGHT_LIBTORCH_URL = form === 'path' ? file : pathToFileURL(file).href;
  const { libtorch } = await fetchLibtorch(cache(), recordingProgress());
  expect(libtorch?.version).toBe('2.13.0');
  expect(fs.existsSync(file)).toBe(true);
});

test('an archive that is no libtorch leaves nothing behind', async () => {
  const file = path.join(folder(), 'other.zip');
  fs.writeFileSync(file, libtorchZip('1.13.0'));
  process.env.TORCHWRIGHT_LIBTORCH_URL = file;
  const { libtorch, tried } = await fetchLibtorch(cache(), recordingProgress());
  expect(libtorch).toBeUndefined();
  expect(tried.join('\n')).toContain('1.13.0');
  expect(fs.readdirSync(cache())).toEqual([]);
});

test("the user's pip is asked first", async () => {
  pipThatHasWheelsFor('');
  const { libtorch, how } = await fetchLibtorch(cache(), recordingProgress());
  expect(libtorch?.root).toBe(path.join(cache(), 'libtorch-2.13.0-cpu'));
  expect(how).toMatch(/pip/);
});

test("a pip without a wheel for its own Python may have another Python's", async () => {
  pipThatHasWheelsFor('3.12');
  const { libtorch } = await fetchLibtorch(cache(), recordingProgress());
  expect(libtorch?.version).toBe('2.13.0');
});

test('where pip has none and the archive cannot be reached, both reasons are told', async () => {
  pipThatHasWheelsFor();
  process.env.HTTPS_PROXY = 'http://127.0.0.1:9'; // nobody listens on the discard port
  const { libtorch, tried } = await fetchLibtorch(cache(), recordingProgress());
  expect(libtorch).toBeUndefined();
  expect(tried).toHaveLength(2);
  expect(tried[0]).toMatch(/pip.*No matching distribution/);
  expect(tried[1]).toMatch(/ECONNREFUSED|there is none for/);
});

test('two at once: the second waits for the first', async () => {
  await archiveServer(sha256);
  const outcomes = await Promise.all([1, 2].map(() => fetchLibtorch(cache(), recordingProgress())));
  for (const { libtorch } of outcomes) expect(libtorch?.version).toBe('2.13.0');
  expect(fs.readdirSync(cache())).toEqual(['libtorch-2.13.0-cpu']);
});
