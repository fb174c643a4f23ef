/** Optimisers, parameter groups, schedules, clipping. */
export { AdamW, type AdamWGroup, type AdamWState, type ParameterState } from './adamw';
export { clipGradNorm } from './clip';
export { decayGroups, type AdamWSettings, type ParameterGroup } from './groups';
export { learningRateFactor, type Schedule } from './schedule';
export {
  learningRateAt,
  scaledLearningRate,
  type CosineSchedule,
  type InverseSqrtSchedule,
  type LinearSchedule,
  type UpdateSchedule,
} from './update-schedule';
