/** Optimisers, parameter groups, schedules, clipping. */
export { AdamW, type AdamWGroup, type AdamWState, type ParameterState } from './adamw';
export { clipGradNorm } from './clip';
export { decayGroups, type AdamWSettings, type ParameterGroup } from './groups';
export { learningRateFactor, type Schedule } from './schedule';
