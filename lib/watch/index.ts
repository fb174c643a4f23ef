/** A live page about runs while they train. */
export { watchRuns, type WatchOptions, type WatchServer } from './server';
