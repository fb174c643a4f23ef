/** The pages that readers see, and what stands in them. */
import fs from 'node:fs';
import path from 'node:path';

export const root = path.resolve(__dirname, '../..');

/** README.md and docs/*.md, as paths from the root. */
export function pages(): string[] {
  const guides = fs.readdirSync(path.join(root, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', ...guides.sort().map((name) => `docs/${name}`)];
}

export const textOf = (page: string): string => fs.readFileSync(path.join(root, page), 'utf8');

/** A fenced block of code, or a piece of TypeScript in a table of Python and TypeScript: each cell is a program of its own. */
export interface Block {
  page: string;
  /** Of its first line of code, from 1. */
  line: number;
  language: string;
  code: string;
  /** What HTML comments right above it say, which readers do not see: `<!-- before: const x = torch.ones([2]); -->`. */
  comments: string[];
}

export function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  const lines = textOf(page).split('\n');
  let comments: string[] = [];
  for (let at = 0; at < lines.length; at++) {
    const remark = /^<!-- (.*) -->$/.exec(lines[at]!);
    const fence = /^```(\w+)$/.exec(lines[at]!);
    if (remark) comments.push(remark[1]!);
    else if (fence) {
      const end = lines.indexOf('```', at + 1);
      const code = lines.slice(at + 1, end).join('\n');
      blocks.push({ page, line: at + 2, language: fence[1]!, code, comments });
      at = end;
      comments = [];
    } else if (/^\| Python +\| TypeScript +\|$/.test(lines[at]!)) {
      for (at += 2; lines[at]?.startsWith('|'); at++) {
        for (const code of codeOf(lines[at]!)) blocks.push({ page, line: at + 1, language: 'ts', code, comments });
      }
      comments = [];
    } else if (lines[at] !== '') comments = [];
  }
  return blocks;
}

/** Each piece of code in the last cell of a table's row. */
function codeOf(row: string): string[] {
  const last = row.split(/(?<!\\)\|/).at(-2)!;
  return [...last.matchAll(/`([^`]+)`/g)].map(([, code]) => code!.replaceAll('\\|', '|'));
}
