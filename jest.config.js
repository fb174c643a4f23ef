'use strict';
/** @type {import('jest').Config} */

// Two worker processes on two cores: libtorch takes one thread in each.
process.env.OMP_NUM_THREADS = '1';

module.exports = {
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testEnvironment: '<rootDir>/test/environment.js',
  setupFilesAfterEnv: ['<rootDir>/test/each-file.js'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
        // `import()` stays what it is, so that ESM-only packages load (under --experimental-vm-modules).
        module: { type: 'commonjs', ignoreDynamic: true },
      },
    ],
  },
  moduleNameMapper: { '^torchwright$': '<rootDir>/lib/index.ts' },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/build/', '<rootDir>/runs/'],
  maxWorkers: 2,
  testTimeout: 30_000,
};
