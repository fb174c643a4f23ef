'use strict';
/**
 * Runs in each test file. The addon's state belongs to the process, which several test files share, so every test begins with
 * the same seed. Tests that never load the addon are left alone.
 */
const addon = require.resolve('../lib/native/index.ts');

beforeEach(() => {
  const loaded = require.cache[addon];
  if (loaded) loaded.exports.native.manualSeed(0);
});
