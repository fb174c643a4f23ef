import { readFileSync, statSync } from 'node:fs';

import { ConfigError } from '../errors';

const reasons: Partial<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'this is a folder; name the file in it',
  EACCES: 'reading it is not permitted',
};

/** @throws ConfigError for a file that cannot be read or is not UTF-8 text */
export function readText(file: string): string {
  let bytes: Buffer;
  try {
    // Asked before it is opened: a pipe would be waited for, and a device has no end.
    const status = statSync(file);
    if (!status.isFile() && !status.isDirectory()) throw new Error('this is not a file');
    bytes = readFileSync(file);
  } catch (cause) {
    const { code = '', message } = cause as NodeJS.ErrnoException;
    throw new ConfigError(`${file}: ${reasons[code] ?? message}`, { cause });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ConfigError(`${file}: this is not UTF-8 text`, { cause });
  }
}
