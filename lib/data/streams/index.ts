export { from, jsonl, linesOf, mix, parquet, tar, text, tokenize } from './sources';
export type { MixOptions, ParquetStreamOptions, Weighted } from './sources';
export type { FileStreamOptions } from './files';
export type { TarSample } from './formats/tar';
export type { IterableOpening, IterableOptions } from './iterables';
export type { WhenOneEnds } from './mix';
export type { Damage } from './source';
export { SampleStream, StreamReader } from './stream';
export type { OpenOptions } from './stream';
