import path from 'node:path';

import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

import importsGoDown from './eslint-rules/imports-go-down.js';

const root = import.meta.dirname;

export default defineConfig(
  { ignores: ['dist/', 'build/', 'runs/', 'coverage/', 'docs/api/', 'test/fixtures/', 'test/package/fixtures/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: root } },
    rules: {
      eqeqeq: 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // `expect.stringContaining` and its kin are typed `any`.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
    },
  },
  {
    files: ['lib/**/*.ts'],
    plugins: { torchwright: { rules: { 'imports-go-down': importsGoDown } } },
    rules: { 'torchwright/imports-go-down': ['error', { lib: path.join(root, 'lib') }] },
  },
  {
    files: ['**/*.{js,cjs,mjs}'],
    extends: [tseslint.configs.base],
    rules: { eqeqeq: 'error', 'no-undef': 'off', '@typescript-eslint/no-unused-vars': 'error' },
  },
);
