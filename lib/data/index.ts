export { blockOffsets, resolveBlockSize, rowsPerGroup } from './blocks';
export type { TokenBlocks } from './blocks';
export type { TextCounts } from './counts';
export { collate, DataLoader } from './loader';
export type { Collated, DataLoaderOptions, IndexedSamples, Samples } from './loader';
export { loadTokenizer } from './open-tokenizer';
export { prepareData } from './prepare';
export type { DataProgress, PreparedData, PrepareDataOptions } from './prepare';
export { randomNumbers } from './random';
export { corpusNames, dataSchema } from './schema';
export type { CorpusName, DataConfig, DataInput, Grouping } from './schema';
export { checkIds } from './tokenizer';
export type { TextTokenizer } from './tokenizer';
export { batchOrder, batchSentences, tokenBatches } from './pairs/batches';
export type { TokenBatches, TokenBatchesOptions } from './pairs/batches';
export { PairTokenizer, loadPairTokenizers, savePairTokenizers } from './pairs/pair-tokenizer';
export type { PairTokenizers } from './pairs/pair-tokenizer';
export { preparePairs } from './pairs/prepare';
export { pairCorpusNames, pairDataSchema } from './pairs/schema';
export type { PairCorpusName, PairDataConfig, PairDataInput } from './pairs/schema';
export type {
  PairCounts,
  PairProgress,
  PreparedPairs,
  PreparePairsOptions,
  SideTexts,
  Split,
  TokenPairs,
  TokenSentences,
} from './pairs/types';
export * as streams from './streams';
