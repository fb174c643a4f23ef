/**
 * Every block of TypeScript in README.md and docs/ is a program: it is compiled, and run unless it says why not. Comments above a
 * block, which readers do not see, say what its program has besides:
 *
 *     <!-- every block: import { torch } from 'torchwright'; -->     once in a page: begins each block that imports nothing of the package
 *     <!-- before: const x = torch.ones([2, 3]); -->                 comes before this block
 *     <!-- compiles only (a GPU): declare const x: Tensor; -->       the same, and the block does not run, as it needs what is named
 *
 * So is each piece of TypeScript in tables of Python and TypeScript, below the comments of its table.
 *
 * A remark behind a `console.log(...);` is what it prints, and so is a block of `text` that follows.
 */
import { blocksOf, pages, textOf, type Block } from './pages';

/** What a block may need that tests do not have. */
const reasons = ['a GPU', 'a long training', 'a server', 'a trained model', "a user's files"];

export interface Program {
  /** Such as `docs-tensors.md-12-0`: no other has it. */
  name: string;
  page: string;
  /** Of the block's first line, from 1. */
  line: number;
  /** One line, then the block: so lines are counted as in the page. */
  source: string;
  /** Why it is only compiled. */
  needs: string | undefined;
  /** What it prints, in this order; lines of its own may come between. */
  prints: string[];
}

export const programs: Program[] = pages().flatMap((page) => {
  const blocks = blocksOf(page);
  const common = /^<!-- every block: (.*) -->$/m.exec(textOf(page))?.[1] ?? '';
  return blocks.flatMap((block, index) =>
    block.language === 'ts' ? [programOf(block, index, common, outputOf(block, blocks[index + 1]))] : [],
  );
});

function programOf(block: Block, index: number, common: string, output: string[]): Program {
  const { page, line, code, comments } = block;
  const before = /from 'torchwright'/.test(code) ? [] : [common];
  let needs: string | undefined;
  for (const comment of comments) {
    const [, kind, reason, said = ''] = /^(before|every block|compiles only \((.+?)\))(?:: (.*))?$/.exec(comment) ?? [];
    if (kind === undefined) throw new Error(`${page}:${line}: nobody knows what "${comment}" asks for.`);
    if (kind === 'every block') continue;
    if (reason !== undefined && !reasons.includes(reason))
      throw new Error(`${page}:${line}: "${reason}" is no reason.`);
    needs ??= reason;
    before.push(said);
  }
  return {
    name: `${page.replaceAll('/', '-')}-${line}-${index}`,
    page,
    line,
    source: `export {}; ${before.join(' ')}\n${code}\n`,
    needs,
    prints: [...remarks(code), ...output],
  };
}

function remarks(code: string): string[] {
  return [...code.matchAll(/\bconsole\.log\(.*\); \/\/ (.*)$/gm)].map(([, remark]) => remark!);
}

/** The block of text that follows with nothing but empty lines between. */
function outputOf({ line, code }: Block, next: Block | undefined): string[] {
  const end = line + code.split('\n').length;
  return next?.language === 'text' && next.line <= end + 3 ? next.code.split('\n') : [];
}
