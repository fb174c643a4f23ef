/** The version of this package. */
import fs from 'node:fs';
import path from 'node:path';

export const { version } = JSON.parse(fs.readFileSync(path.resolve(__dirname, '../package.json'), 'utf8')) as {
  version: string;
};
