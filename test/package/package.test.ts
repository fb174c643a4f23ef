import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** The package as users get it: packed, looked at by publint and attw, installed in an empty project, imported. */
const repository = path.resolve(__dirname, '../..');
let folder: string;
let project: string;
let tarball: string;
let packed: string[];

jest.setTimeout(1_200_000);

interface Outcome {
  status: number | null;
  output: string;
  stdout: string;
}

function run(command: string, args: string[], cwd: string, env: NodeJS.ProcessEnv = {}): Outcome {
  // Whoever runs these tests by npm has settings in the environment that are not the user's.
  const own = Object.entries(process.env).filter(
    ([name]) => !/^npm_|^TORCHWRIGHT_|^LIBTORCH$|^NODE_OPTIONS$/.test(name),
  );
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env: { ...Object.fromEntries(own), ...env },
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  if (error) throw error;
  return { status, output: `${stdout}${stderr}`, stdout };
}

const node = (args: string[], env: NodeJS.ProcessEnv = {}) => run(process.execPath, args, project, env);
const inPackage = (...parts: string[]) => path.join(project, 'node_modules/torchwright', ...parts);

/** Where there is no libtorch: a python3 without torch, an empty cache. */
function nowhere(): NodeJS.ProcessEnv {
  const bin = path.join(folder, 'bin');
  fs.mkdirSync(bin, { recursive: true });
  for (const name of ['python3', 'python']) {
    fs.writeFileSync(path.join(bin, name), `#!/bin/sh\necho '{"version": "3.11.7", "torch": null}'\n`, { mode: 0o755 });
  }
  return { PATH: `${bin}${path.delimiter}${process.env.PATH}`, TORCHWRIGHT_CACHE: path.join(folder, 'empty-cache') };
}

const npm = (...args: string[]) =>
  run('npm', [...args, '--no-audit', '--no-fund', '--prefer-offline'], project, nowhere());

beforeAll(() => {
  folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'torchwright-package-')));
  project = path.join(folder, 'project');
  fs.mkdirSync(project);
  fs.writeFileSync(path.join(project, 'package.json'), JSON.stringify({ name: 'empty-project', private: true }));
  const pack = run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], repository);
  const report = JSON.parse(pack.stdout) as { filename: string; files: { path: string }[] }[];
  tarball = path.join(folder, report[0]?.filename ?? '');
  packed = (report[0]?.files ?? []).map((file) => file.path);
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** Files that git knows or would take under a folder. */
function sources(under: string): string[] {
  const names = fs.readdirSync(path.join(repository, under), { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => fs.statSync(path.join(repository, under, name)).isFile())
    .map((name) => `${under}/${name}`);
}

describe('the tarball', () => {
  test('holds the compiled code and shipped configs, the native sources and the papers, and nothing else', () => {
    const modules = sources('lib').filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'));
    const compiled = modules.flatMap((name) => [name.replace(/\.ts$/, '.js'), name.replace(/\.ts$/, '.d.ts')]);
    const assets = sources('lib').filter((name) => !name.endsWith('.ts'));
    const dist = [...compiled, ...assets].map((name) => name.replace(/^lib/, 'dist')).concat('dist/schemas/study.json');
    const papers = ['README.md', 'LICENSE', 'CHANGELOG.md', 'package.json', 'CMakeLists.txt', 'install.cjs'];
    expect([...packed].sort()).toEqual([...dist, ...sources('native'), ...papers].sort());
  });

  test('publint has nothing to say', () => {
    const { status, output } = run(
      process.execPath,
      [path.join(repository, 'node_modules/publint/src/cli.js'), 'run', tarball, '--strict'],
      folder,
    );
    expect({ status, output }).toMatchObject({ status: 0, output: expect.stringContaining('All good') });
  });

  test('its types are right for CommonJS, ESM and bundlers', () => {
    const attw = path.join(repository, 'node_modules/@arethetypeswrong/cli/dist/index.js');
    const { status, output } = run(process.execPath, [attw, tarball, '--profile', 'node16', '--no-color'], folder);
    expect({ status, output }).toMatchObject({
      status: 0,
      output: expect.stringContaining('No problems found'),
    });
  });
});

// One story: each test begins with what the one before has left.
describe('installed in an empty project', () => {
  test('where there is no libtorch, installing works and says what is missing', () => {
    const types = `@types/node@${(JSON.parse(fs.readFileSync(path.join(repository, 'node_modules/@types/node/package.json'), 'utf8')) as { version: string }).version}`;
    const { status, output } = npm('install', tarball, types, '--foreground-scripts');
    expect({ status, output }).toMatchObject({ status: 0 });
    expect(output).toMatch(/native addon is not built yet[^]*No libtorch was found[^]*pip install torch/);
  });

  test('loading explains, by class and code', () => {
    const { status, output } = node([
      '-e',
      "try { require('torchwright'); } catch (e) { console.log(e.name, e.code, e.message); }",
    ]);
    expect(status).toBe(0);
    expect(output).toMatch(/LoadError ERR_LOAD [^]*npx torchwright build/);
  });

  test('doctor works and exits with 1', () => {
    const { status, stdout } = run('npx', ['--no-install', 'torchwright', 'doctor', '--json'], project, nowhere());
    expect(status).toBe(1);
    const { usable, checks } = JSON.parse(stdout) as { usable: boolean; checks: { name: string; status: string }[] };
    expect(usable).toBe(false);
    expect(checks).toContainEqual(expect.objectContaining({ name: 'addon', status: 'failed' }));
  });

  describe('with the addon of this checkout', () => {
    const program = `
const sum = torch.tensor([[1, 2], [3, 4]]).add(1);
const layer = new nn.Linear(2, 3);
console.log(JSON.stringify([sum.toArray(), layer.forward(sum).shape]));`;
    const printed = '[[[2,3],[4,5]],[2,3]]\n';

    beforeAll(() => {
      fs.mkdirSync(inPackage('build/Release'), { recursive: true });
      for (const name of ['build/Release/torchwright.node', 'build/libtorch.json']) {
        fs.copyFileSync(path.join(repository, name), inPackage(name));
      }
    });

    test('CommonJS', () => {
      const { stdout, output } = node(['-e', `const { torch, nn } = require('torchwright');${program}`]);
      expect({ stdout, output }).toEqual({ stdout: printed, output: printed });
    });

    test('ESM, by name', () => {
      const { stdout, output } = node([
        '--input-type=module',
        '-e',
        `import { torch, nn } from 'torchwright';${program}`,
      ]);
      expect({ stdout, output }).toEqual({ stdout: printed, output: printed });
    });

    test.each(['commonjs', 'module'])('types, for a project of type %s', (type) => {
      fs.writeFileSync(
        path.join(project, 'package.json'),
        JSON.stringify({ name: 'empty-project', private: true, type }),
      );
      fs.writeFileSync(
        path.join(project, 'program.ts'),
        `import { torch, nn, type Tensor } from 'torchwright';
const sum: Tensor = torch.tensor([[1, 2], [3, 4]]).add(1);
const shape: readonly number[] = new nn.Linear(2, 3).forward(sum).shape;
// @ts-expect-error a tensor is no number
const wrong: number = sum;
export { shape, wrong };`,
      );
      const tsc = path.join(repository, 'node_modules/typescript/bin/tsc');
      const options = ['--strict', '--noEmit', '--module', 'node20', '--types', 'node'];
      expect(node([tsc, ...options, 'program.ts'])).toMatchObject({ status: 0, output: '' });
    });

    test('doctor finds it usable', () => {
      const { status, stdout } = run('npx', ['--no-install', 'torchwright', 'doctor', '--json'], project);
      expect(JSON.parse(stdout)).toMatchObject({ usable: true });
      expect(status).toBe(0);
    });
  });

  // Compiles the whole addon, which takes minutes: left to CI.
  (process.env.CI ? test : test.skip)('where there is a libtorch, installing builds for it', () => {
    const { root } = JSON.parse(fs.readFileSync(path.join(repository, 'build/libtorch.json'), 'utf8')) as {
      root: string;
    };
    fs.rmSync(inPackage(), { recursive: true });
    const args = ['install', tarball, '--no-audit', '--no-fund', '--prefer-offline'];
    const { status, output } = run('npm', args, project, { ...nowhere(), TORCHWRIGHT_LIBTORCH: root });
    expect({ status, output }).toMatchObject({ status: 0 });
    expect(JSON.parse(fs.readFileSync(inPackage('build/libtorch.json'), 'utf8'))).toMatchObject({ root });
    const { stdout } = node(['-e', "console.log(require('torchwright').torch.tensor([1, 2]).add(1).toArray())"]);
    expect(stdout).toBe('[ 2, 3 ]\n');
  });
});
