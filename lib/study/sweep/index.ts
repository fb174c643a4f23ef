export type { SweepBeginEvent, SweepEvent, SweepTableEvent, TrialEndEvent, TrialEvent, TrialName } from './events';
export type { SweepStudyInput } from './read';
export type { SweepResult, SweepRow } from './result';
export { runSweep } from './run';
export type { SweepOptions } from './run';
export type { SweepInput } from './section';
