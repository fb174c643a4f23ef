/** Links lead somewhere, commands and their options exist, studies can be read. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

import { readStudy } from '../../lib/study';
import { readSweep } from '../../lib/study/sweep/read';
import { temporaryFolder } from '../train/tokens';
import { blocksOf, pages, root, textOf } from './pages';

/** The names that GitHub gives to headings. */
const anchorsOf = (text: string) =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

test.each(pages())('the links of %s lead somewhere', (page) => {
  const text = textOf(page);
  const broken = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target!)
    .filter((target) => !/^https?:/.test(target))
    .filter((target) => {
      const [file, anchor] = target.split('#') as [string, string | undefined];
      const full = file === '' ? path.join(root, page) : path.resolve(root, path.dirname(page), file);
      if (!fs.existsSync(full)) return true;
      return anchor !== undefined && !anchorsOf(fs.readFileSync(full, 'utf8')).includes(anchor);
    });
  expect(broken).toEqual([]);
});

test('README.md names every guide', () => {
  const readme = textOf('README.md');
  expect(pages().filter((page) => page !== 'README.md' && !readme.includes(`](${page})`))).toEqual([]);
});

/** What `torchwright COMMAND --help` prints, each asked once. */
const helps = new Map<string, Promise<string>>();
function helpOf(command: string): Promise<string> {
  const main = path.join(root, 'dist/cli/main.js');
  const env = { ...process.env, NODE_OPTIONS: '' };
  const known = helps.get(command);
  const help = known ?? promisify(execFile)(process.execPath, [main, command, '--help'], { env }).then((r) => r.stdout);
  helps.set(command, help);
  return help;
}

test.each(pages())('the commands of %s exist, and have the options they are given', async (page) => {
  const shell = blocksOf(page).filter(({ language }) => language === 'sh');
  const lines = shell.flatMap(({ code }) => code.replaceAll('\\\n', ' ').split('\n'));
  const calls = lines.flatMap((line) => [...line.replace(/\s#.*/, '').matchAll(/npx torchwright (\S+)([^|<>]*)/g)]);
  for (const [call, command, rest] of calls) {
    if (command === '--help') continue;
    const help = await helpOf(command!);
    expect(help).toContain(`Usage: torchwright ${command} `);
    for (const [option] of rest!.matchAll(/(?<=\s)--[a-z-]+/g)) expect(`${call}: ${help}`).toContain(option);
  }
});

/** What stands for the guides' own. */
const pretrained = path.join(root, 'test/fixtures/hf-llama/single');

/** A whole study has a name; other blocks are parts of one. */
const studies = pages()
  .flatMap(blocksOf)
  .filter(({ language, code }) => language === 'yaml' && /^name:/m.test(code));

test.each(studies.map((block) => [`${block.page}:${block.line}`, block] as const))(
  'the study %s can be read',
  (_, { code }) => {
    const folder = temporaryFolder();
    try {
      const file = path.join(folder, 'study.yaml');
      fs.writeFileSync(file, code.replace('models/TinyLlama', pretrained));
      const isSweep = /^sweep:/m.test(code);
      expect(isSweep ? readSweep(file) : readStudy(file)).toMatchObject({ name: expect.any(String) });
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  },
);
