export { describeDifferences, differencesOf, type Difference } from './differences';
export { CheckpointKeeper, type Landmarks, type ModelFiles } from './keeper';
export { bestName, checkpointsName, latestName } from './layout';
export { generatorsOf } from './random-state';
export { clearLeftovers, findResumable, type Resumable } from './resumable';
export { fillTraining, type SavedTraining, type TrainingFacts, type TrainingParts } from './state';
