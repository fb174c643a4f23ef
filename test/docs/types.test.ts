/** The TypeScript of README.md and docs/ compiles, strictly, against the types of the built package. */
import path from 'node:path';

import ts from 'typescript';

import { pages, root } from './pages';
import { programs, type Program } from './programs';

/** Where the compiler believes the block to be: on the root, so that `torchwright` is this package. */
const fileOf = ({ name }: Program) => path.join(root, `${name}.mts`);

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  module: ts.ModuleKind.Node20,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
  noEmit: true,
  types: ['node'],
};

/** Compiles all blocks at once, each as a module of its own. */
function faults(): { block: Program; fault: string }[] {
  const blockByFile = new Map(programs.map((block) => [fileOf(block), block]));
  const base = ts.createCompilerHost(options);
  const readFile = (file: string) => {
    const block = blockByFile.get(file);
    return block === undefined ? base.readFile(file) : block.source;
  };
  const host: ts.CompilerHost = {
    ...base,
    readFile,
    fileExists: (file) => blockByFile.has(file) || base.fileExists(file),
    getSourceFile: (file, version) => {
      const text = readFile(file);
      return text === undefined ? undefined : ts.createSourceFile(file, text, version);
    },
  };
  const program = ts.createProgram([...blockByFile.keys()], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const block = blockByFile.get(file?.fileName ?? '') ?? programs[0]!;
    const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start ?? 0).line;
    return { block, fault: `line ${block.line + line - 1}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}` };
  });
}

let found: ReturnType<typeof faults>;
beforeAll(() => {
  found = faults();
}, 60_000);

test.each(pages().filter((page) => programs.some((block) => block.page === page)))('%s', (page) => {
  expect(found.filter(({ block }) => block.page === page).map(({ fault }) => fault)).toEqual([]);
});
