import fc from 'fast-check';

import { StopStrings } from '../../lib/generation/stop-strings';

function run(strings: string[], pieces: string[]): { given: string[]; text: string; stopped: boolean } {
  const stop = new StopStrings(strings);
  const given: string[] = [];
  for (const piece of pieces) {
    const { text, stopped } = stop.push(piece);
    given.push(text);
    if (stopped) return { given, text: given.join(''), stopped };
  }
  given.push(stop.end());
  return { given, text: given.join(''), stopped: false };
}

test('a stop string may span pieces; what stands before it is given out', () => {
  expect(run(['END'], ['so it', ' E', 'N', 'D now'])).toEqual({
    given: ['so it', ' ', '', ''],
    text: 'so it ',
    stopped: true,
  });
});

test('what only began like a stop string is given out once that is known', () => {
  expect(run(['\n\n'], ['a\n', 'b\n', 'c'])).toEqual({
    given: ['a', '\nb', '\nc', ''],
    text: 'a\nb\nc',
    stopped: false,
  });
});

test('at the end nothing is held back', () => {
  expect(run(['END'], ['the EN'])).toEqual({ given: ['the ', 'EN'], text: 'the EN', stopped: false });
});

test('the first of several counts', () => {
  expect(run(['lazy', 'fox'], ['the quick brown fox and the lazy dog']).text).toBe('the quick brown ');
});

test('however a text is cut, it ends before the first stop string', () => {
  const letters = fc.constantFrom('a', 'b', 'ab');
  const text = fc.array(letters, { maxLength: 20 });
  const strings = fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 3,
  });
  fc.assert(
    fc.property(text, strings, (pieces, stops) => {
      const whole = pieces.join('');
      const ends = stops.map((stop) => whole.indexOf(stop)).filter((end) => end >= 0);
      const found = run(stops, pieces);
      expect(found.stopped).toBe(ends.length > 0);
      // A later string may be whole first: pieces come one at a time.
      if (ends.length === 0) expect(found.text).toBe(whole);
      else expect(stops.some((stop) => whole.startsWith(found.text + stop))).toBe(true);
      expect(stops.every((stop) => !found.text.includes(stop))).toBe(true);
    }),
  );
});
