import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { Agent, EnvHttpProxyAgent, fetch, type Dispatcher, type Response } from 'undici';

import { LoadError } from '../errors';
import type { Progress } from './progress';

export interface DownloadOptions {
  progress: Progress;
  /** What the file must hash to; nothing is checked beyond its length when absent. */
  sha256?: string | undefined;
  /** Failures in a row, without a new byte, that end it. */
  patience?: number;
  /** Milliseconds before the first new try; doubles with each. */
  pause?: number;
}

const megabyte = 2 ** 20;
const quietSeconds = 60;

/** A failure that another try may cure. */
class Interruption extends Error {}

/** A client that goes through `HTTPS_PROXY` and `HTTP_PROXY`, if set, except for the hosts in `NO_PROXY`. */
function makeClient(): Dispatcher {
  const silence = quietSeconds * 1000;
  const options = { connect: { timeout: 30_000 }, headersTimeout: silence, bodyTimeout: silence };
  const wantsProxy = Object.keys(process.env).some((name) => /^https?_proxy$/i.test(name));
  return wantsProxy ? new EnvHttpProxyAgent(options) : new Agent(options);
}

/** undici says only "fetch failed"; the reason is in the causes. */
function reasonOf(error: unknown): string {
  const reasons: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) {
    const inner = at instanceof AggregateError ? (at.errors[0] as Error).message : '';
    reasons.push(at.message || inner || at.name);
  }
  return [...new Set(reasons)].join(': ') || String(error);
}

/** A small text file, or undefined when the server has none. */
export async function downloadText(url: string): Promise<string | undefined> {
  const dispatcher = makeClient();
  try {
    const response = await fetch(url, { dispatcher });
    return response.ok ? await response.text() : undefined;
  } catch (error) {
    throw new LoadError(`${url} cannot be reached: ${reasonOf(error)}`, { cause: error });
  } finally {
    await dispatcher.destroy();
  }
}

export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(fs.createReadStream(file, { highWaterMark: megabyte }), hash);
  return hash.digest('hex');
}

/**
 * Downloads `url` to `file`, which is there only once it is whole and has the given SHA-256. What has arrived is kept in
 * `file.part` through failures, and the next try, also of a later process, asks only for the rest.
 * @returns the SHA-256 of what arrived.
 * @throws LoadError saying why, and whether another try will go on where this one ended.
 */
export async function download(url: string, file: string, options: DownloadOptions): Promise<string> {
  const part = new PartialFile(`${file}.part`);
  const resumed = part.size > 0;
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const dispatcher = makeClient();
  try {
    await persist(url, part, dispatcher, options);
  } finally {
    await dispatcher.destroy();
  }
  const sha256 = await sha256Of(part.file);
  if (options.sha256 !== undefined && sha256 !== options.sha256.toLowerCase()) {
    part.remove();
    // What an earlier try left may be to blame, but not twice.
    if (resumed) return download(url, file, options);
    throw new LoadError(
      `${url} has the SHA-256 ${sha256}, not ${options.sha256} as it should. It has been thrown away.`,
    );
  }
  part.finish(file);
  return sha256;
}

/** Tries until the file is whole. */
async function persist(url: string, part: PartialFile, dispatcher: Dispatcher, options: DownloadOptions) {
  const { progress, patience = 5, pause = 1000 } = options;
  for (let failures = 0; ;) {
    const before = part.size;
    try {
      return await attempt(url, part, dispatcher, progress);
    } catch (error) {
      if (error instanceof LoadError) throw error;
      failures = part.size > before ? 1 : failures + 1;
      const kept = part.size > 0 ? ` ${part.size} bytes are kept in ${part.file}; another try goes on from there.` : '';
      if (failures >= patience) {
        throw new LoadError(`${url} cannot be downloaded: ${reasonOf(error)}.${kept}`, { cause: error });
      }
      progress.line(`  interrupted (${reasonOf(error)}); trying again from byte ${part.size}`);
      await sleep(pause * 2 ** (failures - 1));
    }
  }
}

/** One request and its body. */
async function attempt(url: string, part: PartialFile, dispatcher: Dispatcher, progress: Progress): Promise<void> {
  const start = part.size;
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  if (start > 0) headers.range = `bytes=${start}-`;
  if (start > 0 && part.validator !== undefined) headers['if-range'] = part.validator;
  const response = await fetch(url, { dispatcher, headers });
  let total: number | 'complete' | undefined;
  try {
    total = judge(url, response, part, start);
  } catch (error) {
    await response.body?.cancel();
    throw error;
  }
  if (total === 'complete') return void (await response.body?.cancel());
  if (response.body === null) throw new Interruption('the answer has no body');
  const bar = total === undefined ? undefined : progress.bar('downloading', Math.ceil(total / megabyte), 'MB');
  let arrived = part.size;
  async function* counted(chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      arrived += chunk.length;
      bar?.update(Math.floor(arrived / megabyte));
      yield chunk;
    }
  }
  try {
    await pipeline(Readable.fromWeb(response.body), counted, part.append());
  } finally {
    bar?.stop();
  }
  if (total !== undefined && part.size < total) throw new Interruption(`only ${part.size} of ${total} bytes came`);
  if (total !== undefined && part.size > total) {
    part.remove();
    throw new Interruption(`more than the ${total} bytes announced came`);
  }
}

/** Looks at the answer's head, makes the partial file fit it, and gives the whole file's size if the server tells it. */
function judge(url: string, response: Response, part: PartialFile, start: number): number | 'complete' | undefined {
  const { status, headers } = response;
  const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
  if (status === 206 && Number(range?.[1]) === start) return range?.[2] === '*' ? undefined : Number(range?.[2]);
  if (status === 206 || status === 416) {
    if (status === 416 && Number(range?.[2]) === start) return 'complete';
    part.remove();
    throw new Interruption('the server cannot continue what was begun');
  }
  if (status === 200) {
    part.begin(headers.get('etag') ?? headers.get('last-modified'));
    const length = headers.get('content-length');
    return length === null ? undefined : Number(length);
  }
  const answer = `${status} ${response.statusText}`.trim();
  if (status >= 500 || status === 408 || status === 429) throw new Interruption(`the server answered ${answer}`);
  throw new LoadError(`${url} cannot be downloaded: the server answered ${answer}.`);
}

/** What has arrived so far, and the server's name for the version it is of. */
class PartialFile {
  constructor(readonly file: string) {}

  get size(): number {
    return fs.statSync(this.file, { throwIfNoEntry: false })?.size ?? 0;
  }

  private get validatorFile(): string {
    return `${this.file}.validator`;
  }

  /** An ETag or date that tells whether the server still has the same file. A weak ETag cannot. */
  get validator(): string | undefined {
    return fs.existsSync(this.validatorFile) ? fs.readFileSync(this.validatorFile, 'utf8') : undefined;
  }

  begin(validator: string | null): void {
    this.remove();
    if (validator !== null && !validator.startsWith('W/')) fs.writeFileSync(this.validatorFile, validator);
  }

  append(): fs.WriteStream {
    return fs.createWriteStream(this.file, { flags: 'a', flush: true });
  }

  remove(): void {
    fs.rmSync(this.file, { force: true });
    fs.rmSync(this.validatorFile, { force: true });
  }

  finish(file: string): void {
    fs.renameSync(this.file, file);
    fs.rmSync(this.validatorFile, { force: true });
  }
}
