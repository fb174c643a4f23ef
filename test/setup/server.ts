import http from 'node:http';
import type { AddressInfo } from 'node:net';

export type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => void;

/** A server on the loopback that answers the n-th request with the n-th handler, and all later ones with the last. */
export class ScriptedServer {
  readonly requests: http.IncomingMessage[] = [];
  private readonly server: http.Server;

  private constructor(handlers: Handler[]) {
    this.server = http.createServer((request, response) => {
      const handler = handlers[Math.min(this.requests.length, handlers.length - 1)];
      this.requests.push(request);
      handler?.(request, response);
    });
  }

  static async start(...handlers: Handler[]): Promise<ScriptedServer> {
    const scripted = new ScriptedServer(handlers);
    await new Promise<void>((resolve) => scripted.server.listen(0, '127.0.0.1', resolve));
    return scripted;
  }

  url(path = '/file.zip'): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}${path}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** Serves `data` as a good server does: with length, ETag and ranges. */
export function serve(data: Buffer, etag = '"v1"'): Handler {
  return (request, response) => {
    const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
    const condition = request.headers['if-range'];
    response.setHeader('etag', etag);
    if (!range || (condition !== undefined && condition !== etag)) {
      response.writeHead(200, { 'content-length': data.length }).end(data);
      return;
    }
    const start = Number(range[1]);
    if (start >= data.length) {
      response.writeHead(416, { 'content-range': `bytes */${data.length}` }).end();
      return;
    }
    const rest = data.subarray(start);
    const contentRange = `bytes ${start}-${data.length - 1}/${data.length}`;
    response.writeHead(206, { 'content-length': rest.length, 'content-range': contentRange }).end(rest);
  };
}

/** The same, but the connection breaks after `count` bytes of each answer. */
export function breakAfter(count: number, data: Buffer): Handler {
  return (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const headers = { 'content-length': data.length - start, etag: '"v1"' };
    const contentRange = { 'content-range': `bytes ${start}-${data.length - 1}/${data.length}` };
    response.writeHead(start > 0 ? 206 : 200, start > 0 ? { ...headers, ...contentRange } : headers);
    response.write(data.subarray(start, start + count), () => setTimeout(() => response.destroy(), 50));
  };
}

export const answer =
  (status: number, headers: http.OutgoingHttpHeaders = {}): Handler =>
  (_request, response) =>
    response.writeHead(status, headers).end('<html>'.padEnd(100_000));
