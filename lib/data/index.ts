export { blockOffsets, resolveBlockSize, rowsPerGroup } from './blocks';
export type { TokenBlocks } from './blocks';
export { loadTokenizer } from './open-tokenizer';
export { prepareData } from './prepare';
export type { DataProgress, PreparedData, PrepareDataOptions } from './prepare';
export { corpusNames, dataSchema } from './schema';
export type { CorpusName, DataConfig, DataInput } from './schema';
export type { TextTokenizer } from './tokenizer';
