/** Where streams come from. */
import { checkArgument } from '../../arguments';
import { ArgumentError } from '../../errors';
import { linesOf as manyLinesOf } from '../lines';
import type { TextTokenizer } from '../tokenizer';
import { fileSource, type FileStreamOptions } from './files';
import { parquetFormat } from './formats/parquet';
import { tarFormat, type TarSample } from './formats/tar';
import { jsonlFormat, textFormat } from './formats/text';
import { iterableSource, type IterableOpening, type IterableOptions } from './iterables';
import { mix as mixSources, type WhenOneEnds } from './mix';
import { SampleStream } from './stream';

/**
 * Whatever can be iterated, opened anew for each pass: generators, arrays, Node streams (of objects, or of chunks as they come), cursors of
 * databases. A Node stream is asked for as much as is taken, so that it holds no more than its own buffer.
 *
 *     streams.from(() => fs.createReadStream('texts', 'utf8'))
 *     streams.from(({ start }) => database.query('SELECT text FROM texts ORDER BY id OFFSET $1', [start]), { seekable: true })
 */
export function from<T>(
  open: (opening: IterableOpening) => AsyncIterable<T> | Iterable<T>,
  options: IterableOptions = {},
): SampleStream<T> {
  return new SampleStream(iterableSource(open, options));
}

/** Lines of files of text, without their breaks; `.gz` and `.zst` too. @param paths files, or folders of `.txt` */
export function text(paths: string | readonly string[], options: FileStreamOptions = {}): SampleStream<string> {
  return new SampleStream(fileSource(paths, textFormat, options));
}

/**
 * Objects of JSONL files; `.gz` and `.zst` too. @typeParam T what the objects are, which is not checked
 * @param paths files, or folders of `.jsonl`
 */
export function jsonl<T extends object = Record<string, unknown>>(
  paths: string | readonly string[],
  options: FileStreamOptions = {},
): SampleStream<T> {
  return new SampleStream(fileSource<object>(paths, jsonlFormat, options)) as SampleStream<T>;
}

export interface ParquetStreamOptions extends FileStreamOptions {
  /** The outermost columns to read. Default all. */
  columns?: readonly string[];
}

/**
 * Rows of Parquet files as objects; a row group at a time is in memory. @typeParam T what the rows are, which is not checked
 * @param paths files, or folders of `.parquet`
 */
export function parquet<T extends object = Record<string, unknown>>(
  paths: string | readonly string[],
  { columns, ...options }: ParquetStreamOptions = {},
): SampleStream<T> {
  const format = parquetFormat(columns ?? null);
  return new SampleStream(fileSource(paths, format, options)) as SampleStream<T>;
}

/**
 * Samples of tar shards, as webdataset has them: files that follow each other and whose names are the same up to the first dot.
 * @param paths files, or folders of `.tar` and `.tar.gz`
 */
export function tar(paths: string | readonly string[], options: FileStreamOptions = {}): SampleStream<TarSample> {
  return new SampleStream(fileSource(paths, tarFormat, options));
}

export interface Weighted<T> {
  stream: SampleStream<T>;
  /** How often it is drawn, against the others' weights. */
  weight: number;
}

export interface MixOptions {
  seed: number;
  /**
   * When one of the streams ends: `stop` (the default) ends all, `drop` goes on with the others, `repeat` begins it anew, until each has been
   * through once.
   */
  whenOneEnds?: WhenOneEnds;
}

/** Each sample from a stream drawn by weight. */
export function mix<T>(parts: readonly Weighted<T>[], { seed, whenOneEnds = 'stop' }: MixOptions): SampleStream<T> {
  if (parts.length === 0) throw new ArgumentError('mix needs at least one stream.');
  for (const { stream, weight } of parts) {
    checkArgument(stream, 'object', 'The stream of a part of mix, { stream, weight },');
    if (!(Number.isFinite(weight) && weight > 0))
      throw new ArgumentError(`A weight of mix must be above 0, not ${String(weight)}.`);
  }
  const sources = parts.map(({ stream, weight }) => ({ source: stream.source, weight }));
  return new SampleStream(mixSources(sources, seed, whenOneEnds));
}

/**
 * Token ids of each text, with the special tokens the tokenizer adds by itself; on the tokenizer's own threads, `together` texts at a time
 * (default 64).
 */
export function tokenize(
  texts: SampleStream<string>,
  tokenizer: TextTokenizer,
  { together = 64 }: { together?: number } = {},
): SampleStream<ArrayLike<number>> {
  return texts.batch(together).flatMap((some) => tokenizer.encodeRows(some.map((one) => Buffer.from(one))));
}

/** Lines of a Node stream of bytes, or of whatever gives buffers: `streams.from(() => streams.linesOf(response.body))`. */
export async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const buffers = (async function* () {
    for await (const chunk of bytes) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  })();
  for await (const lines of manyLinesOf(buffers, 'the stream')) yield* lines;
}
