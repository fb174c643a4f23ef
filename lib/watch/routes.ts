/** What the server answers. */
import type { IncomingMessage, ServerResponse } from 'node:http';

import { axes, viewOf, type Axis, type Run, type ViewRequest } from '../curves';
import { stateOf, type EventStreams } from './event-streams';
import { pageFile } from './page-files';
import type { Watcher } from './watcher';

export interface Served {
  watcher: Watcher;
  streams: EventStreams;
  /** Whether only this machine is meant to read it. */
  isPrivate: boolean;
}

/** A request that cannot be answered. */
class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

export async function answer(request: IncomingMessage, response: ServerResponse, served: Served): Promise<void> {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  try {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      throw new Refusal(405, 'Only GET is answered here.');
    }
    if (served.isPrivate) refuseForeignNames(request.headers.host);
    await route(request, response, served);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    sendJson(response, { error: error.message }, error.status);
  }
}

/** A page of another site whose name was made to lead here must not read what only this machine may. */
function refuseForeignNames(host: string | undefined): void {
  if (host !== undefined && /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/i.test(host)) return;
  throw new Refusal(421, 'This server answers to localhost only.');
}

async function route(request: IncomingMessage, response: ServerResponse, { watcher, streams }: Served): Promise<void> {
  const { pathname, searchParams: query } = addressOf(request);
  switch (pathname) {
    case '/api/runs':
      await watcher.look();
      return sendJson(response, stateOf(watcher));
    case '/api/curves':
      return sendJson(response, viewOf(runOf(watcher, query), viewRequestOf(query)));
    case '/api/samples':
      return sendJson(response, samplesOf(runOf(watcher, query), numberOf(query, 'step')));
    case '/api/events':
      if (request.method === 'HEAD') break;
      return streams.add(response);
  }
  const file = pageFile(pathname);
  if (file === undefined) throw new Refusal(404, 'There is nothing at this address.');
  response.writeHead(200, { 'content-type': file.type, 'cache-control': 'no-cache' }).end(file.text);
}

function addressOf({ url = '/' }: IncomingMessage): URL {
  try {
    return new URL(url, 'http://localhost');
  } catch {
    throw new Refusal(400, 'This is no address.');
  }
}

function runOf(watcher: Watcher, query: URLSearchParams): Run {
  const run = watcher.run(query.get('run') ?? '');
  if (run === undefined) throw new Refusal(404, 'There is no such run, or no longer.');
  return run;
}

function viewRequestOf(query: URLSearchParams): ViewRequest {
  const axis = query.get('axis') ?? 'step';
  if (!(axes as readonly string[]).includes(axis)) throw new Refusal(400, `axis must be one of ${axes.join(', ')}`);
  const within = (name: string, low: number, high: number, normal: number) =>
    Math.min(high, Math.max(low, numberOf(query, name) ?? normal));
  return {
    axis: axis as Axis,
    from: numberOf(query, 'from'),
    to: numberOf(query, 'to'),
    points: within('points', 10, 5000, 600),
    smoothing: within('smoothing', 0, Number.MAX_VALUE, 0),
  };
}

function numberOf(query: URLSearchParams, name: string): number | null {
  const text = query.get(name);
  if (text === null || text === '') return null;
  const value = Number(text);
  if (!Number.isFinite(value)) throw new Refusal(400, `${name} must be a number`);
  return value;
}

/** The samples at a step, or the last ones before it; without a step, the last ones. */
function samplesOf({ samples }: Run, step: number | null) {
  const found = samples.findLast((sample) => step === null || sample.step <= step);
  return { step: found?.step ?? null, samples: found?.samples ?? [] };
}

function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  const headers = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' };
  response.writeHead(status, headers).end(JSON.stringify(value));
}
