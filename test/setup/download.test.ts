import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';

import { download, type DownloadOptions } from '../../lib/setup/download';
import { cleanEnvironment, recordingProgress, temporaryFolder } from './fakes';
import { answer, breakAfter, ScriptedServer, serve, type Handler } from './server';

const data = randomBytes(300_000);
const sha256 = createHash('sha256').update(data).digest('hex');
const folder = temporaryFolder();
cleanEnvironment();

const servers: ScriptedServer[] = [];
async function start(...handlers: Handler[]): Promise<ScriptedServer> {
  const server = await ScriptedServer.start(...handlers);
  servers.push(server);
  return server;
}
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const target = () => path.join(folder(), 'file.zip');
const get = (url: string, options: Partial<DownloadOptions> = {}) =>
  download(url, target(), { progress: recordingProgress(), pause: 1, sha256, ...options });

function expectWhole(): void {
  expect(fs.readFileSync(target()).equals(data)).toBe(true);
  expect(fs.readdirSync(folder())).toEqual(['file.zip']);
}

test('a file arrives whole, with its checksum', async () => {
  const server = await start(serve(data));
  await expect(get(server.url(), { sha256: undefined })).resolves.toBe(sha256);
  expectWhole();
});

test('a broken download goes on where it ended', async () => {
  const server = await start(breakAfter(100_000, data), breakAfter(100_000, data), serve(data));
  await get(server.url());
  expectWhole();
  const ranges = server.requests.map(({ headers }) => headers.range);
  expect(ranges).toEqual([undefined, 'bytes=100000-', 'bytes=200000-']);
  expect(server.requests[1]?.headers['if-range']).toBe('"v1"');
});

test('what arrived survives the failure and serves the next try', async () => {
  const broken = await start(breakAfter(120_000, data), answer(503));
  await expect(get(broken.url(), { patience: 2 })).rejects.toMatchObject({
    code: 'ERR_LOAD',
    message: expect.stringMatching(/503.*120000 bytes are kept/),
  });
  expect(fs.existsSync(target())).toBe(false);
  const good = await start(serve(data));
  await get(good.url());
  expectWhole();
  expect(good.requests[0]?.headers.range).toBe('bytes=120000-');
});

test('a server that ignores ranges makes it begin anew', async () => {
  const whole: Handler = (_request, response) => response.writeHead(200, { 'content-length': data.length }).end(data);
  const server = await start(breakAfter(100_000, data), whole);
  await get(server.url());
  expectWhole();
});

test('a file that changed in between is not mixed with the old one', async () => {
  const old = randomBytes(300_000);
  const server = await start(breakAfter(100_000, old), serve(data, '"v2"'));
  await get(server.url(), { sha256: undefined });
  expectWhole();
});

test('an answer with another range than asked for is not appended', async () => {
  const wrong: Handler = (_request, response) =>
    response.writeHead(206, { 'content-range': `bytes 0-${data.length - 1}/${data.length}` }).end(data);
  const server = await start(breakAfter(100_000, data), wrong, serve(data));
  await get(server.url());
  expectWhole();
});

test('a partial file that is already whole is only checked', async () => {
  fs.writeFileSync(`${target()}.part`, data);
  const server = await start(serve(data));
  await get(server.url());
  expectWhole();
  expect(server.requests).toHaveLength(1);
});

test('a wrong checksum is an error that names both, and nothing is left', async () => {
  const server = await start(serve(data));
  const wanted = 'a'.repeat(64);
  const failure = get(server.url(), { sha256: wanted });
  await expect(failure).rejects.toMatchObject({ code: 'ERR_LOAD', message: expect.stringContaining(sha256) });
  await expect(failure).rejects.toThrow(wanted);
  expect(fs.readdirSync(folder())).toEqual([]);
});

test('rubbish left by an earlier try is cured by one new download', async () => {
  fs.writeFileSync(`${target()}.part`, randomBytes(1000));
  const server = await start(serve(data));
  await get(server.url());
  expectWhole();
  expect(server.requests.map(({ headers }) => headers.range)).toEqual(['bytes=1000-', undefined]);
});

test.each([404, 403])('status %d ends it at once', async (status) => {
  const server = await start(answer(status));
  await expect(get(server.url())).rejects.toMatchObject({
    code: 'ERR_LOAD',
    message: expect.stringContaining(String(status)),
  });
  expect(server.requests).toHaveLength(1);
});

test.each([500, 503, 429])('status %d is tried again', async (status) => {
  const server = await start(answer(status), answer(status), serve(data));
  await get(server.url());
  expectWhole();
});

test('a server that fails for good ends it after some tries', async () => {
  const server = await start(answer(500));
  await expect(get(server.url(), { patience: 3 })).rejects.toThrow('500');
  expect(server.requests).toHaveLength(3);
});

test('redirects are followed, with the range', async () => {
  const real = await start(breakAfter(100_000, data), serve(data));
  const server = await start(answer(302, { location: real.url('/elsewhere') }));
  await get(server.url());
  expectWhole();
  expect(real.requests.map(({ url, headers }) => [url, headers.range])).toEqual([
    ['/elsewhere', undefined],
    ['/elsewhere', 'bytes=100000-'],
  ]);
});

test('nobody listening is an error that says so', async () => {
  const server = await start(serve(data));
  const url = server.url();
  await server.close();
  servers.pop();
  await expect(get(url, { patience: 2 })).rejects.toThrow('ECONNREFUSED');
});

describe('with a proxy', () => {
  let proxy: http.Server;
  let tunnels: string[];

  beforeEach(async () => {
    tunnels = [];
    proxy = http.createServer();
    proxy.on('connect', (request, client: net.Socket) => {
      tunnels.push(request.url ?? '');
      const [host, port] = (request.url ?? '').split(':');
      if (host !== '127.0.0.1') return client.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      const upstream = net.connect(Number(port), host, () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.pipe(client).pipe(upstream);
      });
      upstream.on('error', () => client.destroy());
      return client.on('error', () => upstream.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => new Promise((resolve) => proxy.close(resolve)));
  const proxyUrl = () => `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;

  test('HTTP_PROXY is gone through', async () => {
    process.env.HTTP_PROXY = proxyUrl();
    const server = await start(serve(data));
    await get(server.url());
    expectWhole();
    expect(tunnels).toEqual([new URL(server.url()).host]);
  });

  test('HTTPS_PROXY is asked for hosts with TLS, and its refusal is told', async () => {
    process.env.HTTPS_PROXY = proxyUrl();
    await expect(get('https://libtorch.invalid/file.zip', { patience: 1 })).rejects.toThrow(/403|tunnel/i);
    expect(tunnels).toEqual(['libtorch.invalid:443']);
  });

  test('hosts in NO_PROXY are reached directly', async () => {
    process.env.HTTP_PROXY = proxyUrl();
    process.env.NO_PROXY = '127.0.0.1';
    const server = await start(serve(data));
    await get(server.url());
    expectWhole();
    expect(tunnels).toEqual([]);
  });
});
