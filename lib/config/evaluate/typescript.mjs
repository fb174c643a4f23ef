/** Module hooks for TypeScript: a file's own words say which kind of module it is, and where Node does not read it, the user's compiler does. */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

let typescript;

export function initialize({ compiler }) {
  if (compiler) typescript = createRequire(compiler)(compiler);
}

export async function load(url, context, nextLoad) {
  if (!/^file:.*\.[cm]?ts$/.test(url)) return nextLoad(url, context);
  const file = fileURLToPath(url);
  const text = fs.readFileSync(file, 'utf8');
  const isModule = !url.endsWith('.cts') && (url.endsWith('.mts') || /^\s*(export\b|import\b(?!\s*\())/m.test(text));
  const format = isModule ? 'module' : 'commonjs';
  if (!typescript) return nextLoad(url, { ...context, format: `${format}-typescript` });
  return { format, source: compile(file, text, isModule), shortCircuit: true };
}

function compile(file, text, isModule) {
  const { ModuleKind, ScriptTarget } = typescript;
  if (!typescript.transpileModule)
    throw new Error(
      `the package typescript ${typescript.version} cannot compile single files; use version 5 or 6, or Node 22`,
    );
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
  return outputText;
}

/** An error that stands where the compiler found it. */
function faultError(file, text, { start, messageText }) {
  const before = text.slice(0, start).split('\n');
  const error = new SyntaxError(typescript.flattenDiagnosticMessageText(messageText, ' '));
  error.stack = `${file}:${before.length}:${before.at(-1).length + 1}\n${error.stack}`;
  return error;
}
