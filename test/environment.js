'use strict';
/**
 * Jest runs tests in a JavaScript realm of their own, while the addon and Node's own modules make objects of the outer one, so
 * that `instanceof Error` or `instanceof Float32Array` would fail on them. Tests therefore share the outer constructors.
 */
const { TestEnvironment } = require('jest-environment-node');

const typedArrays = [
  ...['Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array'],
  ...['Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array'],
];
const errors = [
  'Error',
  'AggregateError',
  'EvalError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'TypeError',
  'URIError',
];
const shared = [...errors, ...typedArrays, 'ArrayBuffer', 'SharedArrayBuffer', 'DataView', 'Promise'];

// Libtorch takes its tables of operators apart as a process exits: on a busy machine longer than jest waits for its workers before
// it complains. They have nothing left to lose then.
if (process.send !== undefined) process.once('exit', () => process.kill(process.pid, 'SIGKILL'));

// V8 stops finalising for good when all registries with work to do are collected, with the realms of the test files they belong to,
// before it comes to them: one of the outer realm always has something to do.
const neverIdle = new FinalizationRegistry(() => neverIdle.register({}, undefined));
neverIdle.register({}, undefined);

module.exports = class SharedRealmEnvironment extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    for (const name of shared) {
      Object.defineProperty(this.global, name, {
        ...Object.getOwnPropertyDescriptor(globalThis, name),
        configurable: true,
      });
    }
    // Node gives its main realm the symbols of explicit resource management; a new realm may lack them.
    for (const name of ['dispose', 'asyncDispose']) {
      if (this.global.Symbol[name] === undefined)
        Object.defineProperty(this.global.Symbol, name, { value: Symbol[name] });
    }
  }
};
