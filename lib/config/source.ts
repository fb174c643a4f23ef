/** What every file of a configuration is, in whatever language it is written. */

export type Section = Record<string, unknown>;

export const isSection = (value: unknown): value is Section =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Something wrong in a text: where it begins, and what it is. */
export interface Fault {
  offset: number;
  message: string;
}

/** Where the innermost part on the way to a path stands, and how much of the path is there. */
export interface Place {
  offset: number;
  depth: number;
}

export interface ConfigSource {
  readonly file: string;
  /** The root mapping. @throws ConfigError when there is none */
  root(): Section;
  /** Faults of the text itself, a line each, in file order. */
  faultLines(): string[];
  /** The value at `path`, or its key. */
  locate(path: readonly string[], part: 'key' | 'value'): Place;
  /** `file:line:column` of an offset. */
  place(offset: number): string;
}

/** Where a node of a YAML document begins. */
export const startOf = (node: unknown): number => (node as { range?: [number, ...unknown[]] | null }).range?.[0] ?? 0;
