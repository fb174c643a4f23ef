export { formatConfig } from './format';
export { loadConfig, parseConfig } from './load';
export type { LoadConfigOptions } from './load';
