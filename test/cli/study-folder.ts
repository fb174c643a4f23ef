/** A folder with a small study and its text, where the commands of one test file run. */
import fs from 'node:fs';
import path from 'node:path';

import { formatConfig } from '../../lib/config';
import { smallStudy, writeCorpus } from '../study/small';
import { temporaryFolder } from '../train/tokens';
import { runCli, type CliOptions, type CliResult } from './run-cli';

export interface StudyFolder {
  /** Known while tests run. */
  cwd: string;
  cli: (args: string[], watch?: CliOptions['watch']) => Promise<CliResult>;
}

/** Made before the first test of the file, removed after the last. */
export function studyFolder(): StudyFolder {
  const folder: StudyFolder = {
    cwd: '',
    cli: (args, watch) =>
      runCli(args, { cwd: folder.cwd, cacheDir: path.join(folder.cwd, 'cache'), ...(watch && { watch }) }),
  };
  beforeAll(() => {
    folder.cwd = temporaryFolder();
    writeCorpus(folder.cwd);
    fs.writeFileSync(path.join(folder.cwd, 'study.yaml'), formatConfig(smallStudy('corpus.txt', 'runs')));
  });
  afterAll(() => fs.rmSync(folder.cwd, { recursive: true }));
  return folder;
}
