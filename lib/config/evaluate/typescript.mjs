/** Module hooks for a Node without TypeScript: the user's compiler takes the types away. */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

let typescript;

export function initialize({ compiler }) {
  typescript = createRequire(compiler)(compiler);
}

export async function load(url, context, nextLoad) {
  if (!/^file:.*\.[cm]?ts$/.test(url)) return nextLoad(url, context);
  if (!typescript.transpileModule)
    throw new Error(`the package typescript ${typescript.version} cannot compile single files; use version 5 or 6`);
  const file = fileURLToPath(url);
  const text = fs.readFileSync(file, 'utf8');
  const { ModuleKind, ScriptTarget } = typescript;
  const isModule =
    !url.endsWith('.cts') && typescript.isExternalModule(typescript.createSourceFile(file, text, ScriptTarget.ES2022));
  const { outputText, diagnostics } = typescript.transpileModule(text, {
    fileName: file,
    reportDiagnostics: true,
    compilerOptions: {
      module: isModule ? ModuleKind.ESNext : ModuleKind.CommonJS,
      target: ScriptTarget.ES2022,
      inlineSourceMap: true,
      esModuleInterop: true,
    },
  });
  const [fault] = diagnostics;
  if (fault) throw faultError(file, text, fault);
  return { format: isModule ? 'module' : 'commonjs', source: outputText, shortCircuit: true };
}

/** An error that stands where the compiler found it. */
function faultError(file, text, { start, messageText }) {
  const before = text.slice(0, start).split('\n');
  const error = new SyntaxError(typescript.flattenDiagnosticMessageText(messageText, ' '));
  error.stack = `${file}:${before.length}:${before.at(-1).length + 1}\n${error.stack}`;
  return error;
}
