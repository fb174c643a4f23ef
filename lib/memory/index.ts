export { Graph } from './graph';
export type { Operator, Value } from './graph';
export { Pass } from './pass';
export type { Held, Part, Parts } from './pass';
export { stepMemory, totalOf } from './step';
export type { StepMemory } from './step';
