'use strict';
// Lets plain Node run the TypeScript sources, for development scripts and for tests that need processes of their own:
// `node -r ./scripts/register.cjs file.ts`. Types are not checked.
const { transformFileSync } = require('@swc/core');

require.extensions['.ts'] = (module, filename) => {
  const { code } = transformFileSync(filename, {
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: { type: 'commonjs' },
    sourceMaps: 'inline',
  });
  module._compile(code, filename);
};
