'use strict';
/**
 * The plan of the house as a lint rule: a room of lib/ imports only rooms on floors below its own, and no files import each
 * other in a circle. Option `{ lib }`: the folder that holds the rooms.
 */
const fs = require('node:fs');
const path = require('node:path');

const ts = require('typescript');

/** From the ground up. Rooms on one floor do not know each other. A room is a folder of lib/ or a file in it. */
const floors = [
  ['edit-distance', 'errors', 'json', 'memory', 'version', 'zip'],
  ['arguments'],
  ['files'],
  ['config', 'metrics', 'report', 'setup'],
  ['native', 'curves'],
  ['tensor', 'watch'],
  ['nn'],
  ['data', 'optim', 'parity'],
  ['generation'],
  ['residual', 'delight', 'train'],
  ['study', 'serve'],
  ['cli', 'index'],
];
const floorOf = (room) => floors.findIndex((rooms) => rooms.includes(room));

/** `tensor` for lib/tensor/scope.ts, `errors` for lib/errors.ts, undefined outside lib. */
function roomOf(lib, file) {
  const inside = path.relative(lib, file);
  if (inside === '' || inside.startsWith('..') || path.isAbsolute(inside)) return undefined;
  return inside.split(path.sep)[0].replace(/\.ts$/, '');
}

function resolve(from, specifier) {
  const base = path.resolve(path.dirname(from), specifier);
  const candidates = [`${base}.ts`, base.replace(/\.js$/, '.ts'), path.join(base, 'index.ts'), `${base}.d.ts`, base];
  return candidates.find((file) => fs.statSync(file, { throwIfNoEntry: false })?.isFile()) ?? base;
}

/** Files that the one at `file` imports, relative imports only. */
const importsByFile = new Map();
function importsOf(file) {
  const modified = fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs;
  if (modified === undefined) return [];
  const known = importsByFile.get(file);
  if (known?.modified === modified) return known.imports;
  const { importedFiles } = ts.preProcessFile(fs.readFileSync(file, 'utf8'), true, true);
  const imports = importedFiles
    .filter(({ fileName }) => fileName.startsWith('.'))
    .map((i) => resolve(file, i.fileName));
  importsByFile.set(file, { modified, imports });
  return imports;
}

/** The way from `start` back to `goal` by imports, or undefined. */
function wayBack(start, goal, seen = new Set()) {
  if (start === goal) return [start];
  if (seen.has(start)) return undefined;
  seen.add(start);
  for (const next of importsOf(start)) {
    const rest = wayBack(next, goal, seen);
    if (rest) return [start, ...rest];
  }
  return undefined;
}

module.exports = {
  meta: {
    type: 'problem',
    docs: { description: 'imports of lib/ only go down, without circles' },
    schema: [
      { type: 'object', properties: { lib: { type: 'string' } }, required: ['lib'], additionalProperties: false },
    ],
    messages: {
      up: '`{{from}}` must not import `{{to}}`: imports go down only ({{floors}}).',
      outside: '`{{from}}` must not import from outside lib/.',
      unknown: 'The room `{{room}}` has no floor yet: give it one in eslint-rules/imports-go-down.js.',
      circle: 'Imports go in a circle: {{circle}}.',
    },
  },
  create(context) {
    const { lib } = context.options[0];
    const from = roomOf(lib, context.filename);
    if (from === undefined) return {};

    function check(node, specifier) {
      if (typeof specifier !== 'string' || !specifier.startsWith('.')) return;
      const file = resolve(context.filename, specifier);
      const to = roomOf(lib, file);
      if (to === undefined) return context.report({ node, messageId: 'outside', data: { from } });
      for (const room of [from, to]) {
        if (floorOf(room) < 0) return context.report({ node, messageId: 'unknown', data: { room } });
      }
      if (from !== to && floorOf(to) >= floorOf(from)) {
        const order = floors.map((rooms) => rooms.join(', ')).join(' <- ');
        return context.report({ node, messageId: 'up', data: { from, to, floors: order } });
      }
      const back = wayBack(file, context.filename);
      if (back) {
        const circle = [context.filename, ...back].map((f) => path.relative(lib, f)).join(' -> ');
        context.report({ node, messageId: 'circle', data: { circle } });
      }
    }

    return {
      ImportDeclaration: (node) => check(node, node.source.value),
      ExportAllDeclaration: (node) => check(node, node.source.value),
      ExportNamedDeclaration: (node) => check(node, node.source?.value),
      ImportExpression: (node) => check(node, node.source.value),
      TSImportType: (node) => check(node, node.source?.value ?? node.argument?.literal?.value),
      'CallExpression[callee.name="require"]': (node) => check(node, node.arguments[0]?.value),
    };
  },
};
