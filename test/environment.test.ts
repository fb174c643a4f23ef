import fs from 'node:fs';

/** Tests see the constructors of the realm in which Node's modules and the addon make their objects. */
test('objects made outside are instances here', async () => {
  expect(fs.readFileSync(__filename)).toBeInstanceOf(Uint8Array);
  expect(structuredClone(new Float32Array(2))).toBeInstanceOf(Float32Array);
  expect(new Float32Array(2).buffer).toBeInstanceOf(ArrayBuffer);
  expect(() => Buffer.alloc(1).readInt8(5)).toThrow(RangeError);
  expect(() => fs.readFileSync({} as string)).toThrow(TypeError);
  const pending = fs.promises.readFile(__filename);
  expect(pending).toBeInstanceOf(Promise);
  await pending;
});

test('`using` disposes', () => {
  const disposed: string[] = [];
  const resource = (name: string) => ({ [Symbol.dispose]: () => void disposed.push(name) });
  {
    using _first = resource('first');
    using _second = resource('second');
  }
  expect(disposed).toEqual(['second', 'first']);
});

test('ESM-only packages load by import()', async () => {
  const { createTarDecoder } = await import('modern-tar');
  expect(createTarDecoder).toBeInstanceOf(Function);
});
