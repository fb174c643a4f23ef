export { collate, type Collated } from './collate';
export { DataLoader, type DataLoaderOptions } from './loader';
export type { IndexedSamples, Samples } from './samples';
