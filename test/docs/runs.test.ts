/** The TypeScript of README.md and docs/ runs as it stands against the built package, all blocks of a page in one process. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

import ts from 'typescript';

import { writeCorpus } from '../study/small';
import { temporaryFolder } from '../train/tokens';
import { root } from './pages';
import { programs, type Program } from './programs';

/** What became of a block. */
interface Run {
  output: string;
  error?: string;
}

/** Runs the blocks of a page one after the other, and writes down what each prints. */
const runner = `
  import fs from 'node:fs';
  const runs = {};
  for (const name of process.argv.slice(2)) {
    const run = (runs[name] = { output: '' });
    process.stdout.write = (chunk) => ((run.output += chunk), true);
    await import('./' + name + '.mjs').catch((error) => (run.error = error.stack ?? String(error)));
  }
  fs.writeFileSync('runs.json', JSON.stringify(runs));
  process.exit();
`;

let folder: string;
beforeAll(() => (folder = temporaryFolder()));
afterAll(() => fs.rmSync(folder, { recursive: true }));

/** A reader's project: the package, a text, and a small Llama that transformers saved. */
function makeProject(page: string): string {
  const project = path.join(folder, page.replaceAll('/', '-'));
  fs.mkdirSync(path.join(project, 'node_modules'), { recursive: true });
  fs.symlinkSync(root, path.join(project, 'node_modules', 'torchwright'), 'dir');
  fs.renameSync(writeCorpus(project), path.join(project, 'book.txt'));
  const llama = path.join(root, 'test/fixtures/hf-llama/single');
  fs.cpSync(llama, path.join(project, 'TinyLlama'), { recursive: true });
  return project;
}

async function runPage(blocks: readonly Program[]): Promise<Record<string, Run>> {
  const project = makeProject(blocks[0]!.page);
  const target = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  for (const { name, source } of blocks) {
    fs.writeFileSync(path.join(project, `${name}.mjs`), ts.transpile(source, target));
  }
  fs.writeFileSync(path.join(project, 'page.mjs'), runner);
  const cache = path.join(project, 'cache');
  const env = { ...process.env, TORCHWRIGHT_CACHE: cache, NODE_OPTIONS: '', OMP_NUM_THREADS: '1' };
  const names = blocks.map(({ name }) => name);
  const { stderr } = await promisify(execFile)(process.execPath, ['page.mjs', ...names], { cwd: project, env });
  expect(stderr).toBe('');
  return JSON.parse(fs.readFileSync(path.join(project, 'runs.json'), 'utf8')) as Record<string, Run>;
}

const running = programs.filter(({ needs }) => needs === undefined);

describe.each([...new Set(running.map(({ page }) => page))])('%s', (page) => {
  const blocks = running.filter((block) => block.page === page);
  let runs: Record<string, Run>;
  beforeAll(async () => {
    runs = await runPage(blocks);
  }, 120_000);

  test.each(blocks.map((block) => [block.line, block] as const))('line %i', (_, { name, prints }) => {
    const { output, error } = runs[name]!;
    expect(error).toBeUndefined();
    const printed = output.split('\n').map((each) => each.trim());
    let at = 0;
    for (const expected of prints) {
      const found = printed.indexOf(expected.trim(), at);
      if (found < 0) expect(printed.slice(at)).toContain(expected.trim());
      at = found + 1;
    }
  });
});
