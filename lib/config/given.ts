/** A configuration that was given or computed as a value, and so knows no places. */
import { ConfigError } from '../errors';
import { isSection, type ConfigSource, type Place, type Section } from './source';

export class GivenValue implements ConfigSource {
  constructor(
    /** What stands in the place of positions. */
    readonly file: string,
    private readonly value: unknown,
    private readonly expected = 'an object',
  ) {}

  root(): Section {
    if (isSection(this.value)) return this.value;
    const found = Array.isArray(this.value) ? 'a list' : this.value === undefined ? 'nothing' : typeof this.value;
    throw new ConfigError(`${this.file}: expected ${this.expected}, found ${found}`);
  }

  faultLines(): string[] {
    return [];
  }

  locate(path: readonly string[]): Place {
    let node = this.value;
    for (const [depth, name] of path.entries()) {
      const isThere = typeof node === 'object' && node !== null && Object.hasOwn(node, name);
      const child = isThere ? (node as Section)[name] : undefined;
      if (child === undefined) return { offset: 0, depth };
      node = child;
    }
    return { offset: 0, depth: path.length };
  }

  place(): string {
    return this.file;
  }
}
