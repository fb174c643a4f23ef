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

/** A fenced block of code. */
export interface Block {
  page: string;
  /** Of its first line of code, from 1. */
  line: number;
  language: string;
  code: string;
  /** What an HTML comment above it says, which readers do not see: `<!-- given: declare const x: Tensor; -->`, `<!-- runs -->`. */
  comment: string;
}

export function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  const lines = textOf(page).split('\n');
  let comment = '';
  for (let at = 0; at < lines.length; at++) {
    const remark = /^<!-- (.*) -->$/.exec(lines[at]!);
    const fence = /^```(\w+)$/.exec(lines[at]!);
    if (remark) comment = remark[1]!;
    else if (fence) {
      const end = lines.indexOf('```', at + 1);
      const code = lines.slice(at + 1, end).join('\n');
      blocks.push({ page, line: at + 2, language: fence[1]!, code, comment });
      at = end;
      comment = '';
    } else if (lines[at] !== '') comment = '';
  }
  return blocks;
}
