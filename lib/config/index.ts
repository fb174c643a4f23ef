export { formatConfig } from './format';
export { loadConfig, parseConfig } from './load';
export type { LoadConfigOptions } from './load';
export { OpenConfig } from './open';
export { parseChoices, pathOf } from './overrides';
export type { Setting } from './overrides';
export type { Section } from './source';
