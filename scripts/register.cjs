'use strict';
// Lets plain Node run the TypeScript sources, for development scripts and for tests that need processes of their own:
// `node -r ./scripts/register.cjs file.ts`. Types are not checked. What was transformed once is kept, since each worker
// of a program begins anew.
const { createHash, randomBytes } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const { transformSync, version } = require('@swc/core');

const folder = path.resolve(__dirname, '../node_modules/.cache/torchwright-register');

function transform(filename) {
  const source = fs.readFileSync(filename, 'utf8');
  const key = createHash('sha1').update(`${version}\0${filename}\0${source}`).digest('hex');
  const kept = path.join(folder, `${key}.js`);
  try {
    return fs.readFileSync(kept, 'utf8');
  } catch {
    const { code } = transformSync(source, {
      filename,
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      module: { type: 'commonjs' },
    });
    fs.mkdirSync(folder, { recursive: true });
    const temporary = `${kept}.${randomBytes(4).toString('hex')}`;
    fs.writeFileSync(temporary, code);
    fs.renameSync(temporary, kept);
    return code;
  }
}

require.extensions['.ts'] = (module, filename) => module._compile(transform(filename), filename);
