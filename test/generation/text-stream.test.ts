import { TextStream } from '../../lib/generation/text-stream';

const bytes = (ids: readonly number[]) => Promise.resolve(Buffer.from(ids).toString('utf8'));

async function pieces(
  ids: Iterable<number>,
  decode: (ids: readonly number[]) => Promise<string>,
  before: readonly number[] = [],
): Promise<string[]> {
  const stream = new TextStream(decode, before);
  const found: string[] = [];
  for (const id of ids) found.push(await stream.push(id));
  found.push(await stream.end());
  return found;
}

test('characters of several tokens come when they are whole', async () => {
  expect(await pieces(Buffer.from('aß👍!'), bytes)).toEqual(['a', '', 'ß', '', '', '', '👍', '!', '']);
});

test('bytes that never become a character show at the end', async () => {
  expect(await pieces(Buffer.from('👍').subarray(0, 2), bytes)).toEqual(['', '', '\ufffd']);
});

test('blanks between words, which depend on the token before', async () => {
  const words = ['Das', ' ist', ' ein', ' Haus'];
  const trimmed = (ids: readonly number[]) =>
    Promise.resolve(
      ids
        .map((id) => words[id])
        .join('')
        .trimStart(),
    );
  expect((await pieces([0, 1, 2, 3], trimmed)).join('')).toBe('Das ist ein Haus');
  expect(await pieces([1, 3], trimmed)).toEqual(['ist', ' Haus', '']);
});

test('a text after another begins with its blank, and takes up a character that is not whole', async () => {
  const words = ['Das', ' ist', ' ein', ' Haus'];
  const trimmed = (ids: readonly number[]) =>
    Promise.resolve(
      ids
        .map((id) => words[id])
        .join('')
        .trimStart(),
    );
  expect(await pieces([1, 2], trimmed, [0])).toEqual([' ist', ' ein', '']);
  const [first, ...rest] = Buffer.from('👍!');
  expect(await pieces(rest, bytes, [97, first!])).toEqual(['', '', '👍', '!', '']);
});

test('tokens without text add nothing', async () => {
  expect(await pieces([104, 105], (ids) => bytes(ids.filter((id) => id !== 105)))).toEqual(['h', '', '']);
});
