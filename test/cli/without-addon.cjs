'use strict';
// Preloaded into a child process: no native addon can be loaded after this, and on exit it says how often one was asked for.
let asked = 0;
process.dlopen = (_module, file) => {
  asked += 1;
  throw new Error(`No addon can be loaded here: ${file}`);
};
process.on('exit', () => {
  asked += Object.keys(require.cache).filter((file) => /[\\/]lib[\\/]native\.ts$/.test(file)).length;
  process.stderr.write(`addons asked for: ${asked}\n`);
});
