import fc from 'fast-check';

import { parseJson } from '../lib/json';

test('whatever is written is read', () => {
  fc.assert(fc.property(fc.json(), (text) => expect(parseJson(text)).toEqual(JSON.parse(text))));
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), fc.nat(3), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      expect(parseJson(Buffer.from(text))).toEqual(JSON.parse(text));
    }),
  );
});

test.each([
  ['{"a": 1, "a": 2}', 'a'],
  ['[{"b": {"a": 1, "c": [{"a": 1}], "a": 1}}]', 'a'],
  [String.raw`{"\u0061": 1, "a": 2}`, 'a'],
  [String.raw`{"x\\": 1, "\"x": 2, "\"x": "}"}`, '\\"x'],
  ['{"__proto__": 1, "__proto__": 2}', '__proto__'],
  ['{"": 1, "x": {}, "": 2}', ''],
])('a key that is given twice is refused: %s', (text, key) => {
  expect(() => parseJson(text)).toThrow(new SyntaxError(`the key "${key}" is given twice`));
});

test('a key repeated anywhere in any value is found', () => {
  const objects = fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 });
  fc.assert(
    fc.property(objects, fc.nat(), fc.nat(2), (object, pick, depth) => {
      const members = Object.entries(object).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
      const text = `{${[...members, members[pick % members.length]].join(',')}}`;
      expect(() => parseJson('[1,'.repeat(depth) + text + ']'.repeat(depth))).toThrow(/is given twice/);
    }),
  );
});

test('the same key in different objects, or as a text, is none twice', () => {
  expect(parseJson('[{"a": "a"}, {"a": ["a", "a", {"a": "a"}]}]')).toEqual([{ a: 'a' }, { a: ['a', 'a', { a: 'a' }] }]);
});

test('what is not UTF-8 or not JSON is a SyntaxError', () => {
  expect(() => parseJson(Buffer.from([0x22, 0xff, 0x22]))).toThrow(/^it is not UTF-8$/);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        parseJson(bytes);
      } catch (error) {
        expect((error as Error).name).toBe('SyntaxError');
      }
    }),
  );
});

test('deep nesting costs no stack', () => {
  const text = '['.repeat(200_000) + ']'.repeat(200_000);
  expect(Array.isArray(parseJson(text))).toBe(true);
});
