/** The programs of test/types/cases compile: every error they expect comes, and no other. */
import fs from 'node:fs';
import path from 'node:path';

import ts from 'typescript';

const root = path.resolve(__dirname, '../..');
const folder = path.join(__dirname, 'cases');
const files = fs.readdirSync(folder).map((name) => path.join(folder, name));

const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => {} };
const { options } = ts.getParsedCommandLineOfConfigFile(path.join(root, 'tsconfig.json'), {}, host)!;

/** @param change of the text of the files, to see that an error is one */
function compile(names: readonly string[], change = (text: string) => text): ts.Program {
  const compilerHost = ts.createCompilerHost(options);
  const readFile = compilerHost.readFile.bind(compilerHost);
  compilerHost.readFile = (name) => {
    const text = readFile(name);
    return text !== undefined && names.includes(name) ? change(text) : text;
  };
  return ts.createProgram({ rootNames: names, options, host: compilerHost });
}

function errors(program: ts.Program, name: string): string[] {
  const source = program.getSourceFile(name)!;
  const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
  return found.map(({ messageText, start }) => {
    const line = source.getLineAndCharacterOfPosition(start ?? 0).line + 1;
    return `${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
}

test('the cases compile', () => {
  const program = compile(files);
  const found = files.flatMap((file) => errors(program, file).map((error) => `${path.basename(file)}:${error}`));
  expect(found).toEqual([]);
}, 120_000);

test('an error that does not come, or is not expected, is told', () => {
  const creation = path.join(folder, 'creation.ts');
  const program = compile([creation], (text) =>
    text
      .replace('// sizes\n', '// sizes\n// @ts-expect-error this is right\n')
      .replace("expectType<Tensor<'float32', 0>>()", "expectType<Tensor<'float32', 3>>()"),
  );
  expect(errors(program, creation)).toEqual([
    expect.stringContaining("Unused '@ts-expect-error' directive"),
    expect.stringContaining('Expected 2 arguments, but got 1'),
  ]);
}, 120_000);
