/** Blocks of code below `<!-- runs -->` run as they stand, against the built package. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

import ts from 'typescript';

import { temporaryFolder } from '../train/tokens';
import { blocksOf, pages, root } from './pages';

const blocks = pages()
  .flatMap(blocksOf)
  .filter(({ comment }) => comment === 'runs');

/** A user's project: the package is in its node_modules. */
let project: string;
beforeAll(() => {
  project = temporaryFolder();
  fs.mkdirSync(path.join(project, 'node_modules'));
  fs.symlinkSync(root, path.join(project, 'node_modules', 'torchwright'), 'dir');
});
afterAll(() => fs.rmSync(project, { recursive: true }));

test.each(blocks.map((block) => [`${block.page}:${block.line}`, block] as const))(
  '%s',
  async (_, { code, line }) => {
    const file = path.join(project, `block-${line}.mjs`);
    const target = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
    fs.writeFileSync(file, ts.transpile(code, target));
    const env = { ...process.env, TORCHWRIGHT_CACHE: path.join(project, 'cache'), NODE_OPTIONS: '' };
    const { stderr } = await promisify(execFile)(process.execPath, [file], { cwd: project, env });
    expect(stderr).toBe('');
  },
  60_000,
);
