/** Runs read back from their folders: their numbers in columns, and as curves of as many points as wanted. */
export { findRuns } from './find';
export { axes, type Axis } from './rows';
export { Run, type Mark } from './run';
export { meanOf } from './thin';
export { viewOf, type RunView, type ViewRequest } from './view';
export { courseCharts, type Trained } from './report/charts';
export { readRun, reportFolders, reportName } from './report/run-report';
export { speedTable } from './report/speed';
