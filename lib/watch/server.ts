/** The live page over HTTP: fixed addresses only, nothing of a request ever becomes a path. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';

import { checkArgument } from '../arguments';
import { ArgumentError } from '../errors';
import { answer } from './routes';
import { EventStreams } from './event-streams';
import { Watcher } from './watcher';

export interface WatchOptions {
  /** Default 6007, or the next free one; 0 for any that is free. */
  port?: number | undefined;
  /** Address to listen at. Default `127.0.0.1`: this machine alone. There is no password. */
  host?: string | undefined;
  /** Closes the page. */
  signal?: AbortSignal | undefined;
}

export interface WatchServer {
  /** Of the page: `http://127.0.0.1:6007/`. */
  readonly url: string;
  /** Ends all connections. */
  close(): Promise<void>;
}

const defaultPort = 6007;
/** Ports tried after the default one. */
const portsTried = 20;

/**
 * Serves a page that shows runs while they train: loss, learning rate, gradient norm, speed, memory, samples, warnings. It reads the `metrics.jsonl` of
 * each run's folder and nothing else, and writes nothing.
 *
 * @param folders of runs, or of comparisons and sweeps that hold runs; they may come later
 * @throws ArgumentError for a port that is taken and an address that is not this machine's
 */
export async function watchRuns(folders: readonly string[], options: WatchOptions = {}): Promise<WatchServer> {
  if (!Array.isArray(folders) || folders.length === 0 || !folders.every((folder) => typeof folder === 'string'))
    throw new ArgumentError('Give the folders of the runs to watch, in a list.');
  checkArgument(options, 'object', 'The options of watchRuns');
  const { port, host = '127.0.0.1', signal } = options;
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port < 65536))
    throw new ArgumentError(`port is ${String(port)}; it must be a whole number from 0 to 65535`);
  signal?.throwIfAborted();

  const watcher = new Watcher(folders);
  const streams = new EventStreams(watcher);
  const isPrivate = isLoopback(host);
  const server = http.createServer((request, response) => {
    answer(request, response, { watcher, streams, isPrivate }).catch((error: Error) => response.destroy(error));
  });
  await listen(server, port, host);
  // A look at the start, so that the first reader finds something.
  void watcher.look();
  const close = async () => {
    signal?.removeEventListener('abort', onAbort);
    streams.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  const onAbort = () => void close();
  signal?.addEventListener('abort', onAbort, { once: true });
  return { url: urlOf(server.address() as AddressInfo), close };
}

export const isLoopback = (host: string) => host === 'localhost' || host === '::1' || /^127\./.test(host);

function urlOf({ address, family, port }: AddressInfo): string {
  const isAny = address === '0.0.0.0' || address === '::';
  const name = isAny ? 'localhost' : family === 'IPv6' ? `[${address}]` : address;
  return `http://${name}:${port}/`;
}

async function listen(server: http.Server, port: number | undefined, host: string): Promise<void> {
  const last = port ?? defaultPort + portsTried;
  for (let next = port ?? defaultPort; ; next++) {
    const error = await tryListen(server, next, host);
    if (error === undefined) return;
    if (error.code === 'EADDRINUSE' && next < last) continue;
    const reason = error.code === 'EADDRINUSE' ? 'something else listens there' : error.message;
    throw new ArgumentError(`The page cannot be served at ${host}, port ${next}: ${reason}.`, { cause: error });
  }
}

function tryListen(server: http.Server, port: number, host: string): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException) => resolve(error);
    server.once('error', failed);
    server.listen(port, host, () => {
      server.off('error', failed);
      resolve(undefined);
    });
  });
}
