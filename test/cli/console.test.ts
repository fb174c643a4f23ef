import { StudyConsole } from '../../lib/cli/console';
import { harmless } from '../../lib/cli/lines';
import type { DataProgress, PairProgress } from '../../lib/data';

const mocks: jest.SpyInstance[] = [];
afterEach(() => {
  for (const mock of mocks.splice(0)) mock.mockRestore();
});

/** What is said of the progress of data where there is no terminal; each event comes so many seconds after the one before. */
function said(events: [seconds: number, progress: DataProgress | PairProgress][]): string[] {
  const isTTY = Object.getOwnPropertyDescriptor(process.stderr, 'isTTY');
  Object.defineProperty(process.stderr, 'isTTY', { value: false, configurable: true });
  let now = 0;
  const written = jest.spyOn(process.stderr, 'write').mockImplementation(() => true);
  mocks.push(
    written,
    jest.spyOn(performance, 'now').mockImplementation(() => now),
  );
  try {
    const view = new StudyConsole();
    for (const [seconds, progress] of events) {
      now += 1000 * seconds;
      view.show({ type: 'data', progress });
    }
    view.show({ type: 'prepared', description: 'the end' });
    view.close();
  } finally {
    if (isTTY) Object.defineProperty(process.stderr, 'isTTY', isTTY);
    else delete (process.stderr as { isTTY?: boolean }).isTTY;
  }
  const lines = written.mock.calls.map(([line]) => String(line).replace(/\n$/, ''));
  written.mockRestore();
  return lines;
}

const tokenize = (megabytes: number, split: 'train' | 'validation' = 'train') =>
  ({ stage: 'tokenize', split, bytes: megabytes * 1e6, totalBytes: 40e6 }) as const;

describe('without a terminal', () => {
  test('a stage is named once, and how far it is every ten seconds', () => {
    const lines = said([
      [0, tokenize(0)],
      [4, tokenize(5)],
      [4, tokenize(9)],
      [4, tokenize(12.34)],
      [9, tokenize(30)],
      [2, tokenize(31)],
      [0, tokenize(40, 'validation')],
    ]);
    expect(lines).toEqual([
      'Tokenising the train text',
      'Tokenising the train text: 12.3 MB of 40.0 MB',
      'Tokenising the train text: 31.0 MB of 40.0 MB',
      'Tokenising the validation text',
      'Data: the end',
    ]);
  });

  test('nothing is said of files that are read in a moment', () => {
    const read = (bytes: number) => ({ stage: 'read', bytes, totalBytes: 2e6 }) as const;
    expect(
      said([
        [0, read(1e6)],
        [1, read(2e6)],
      ]),
    ).toEqual(['Data: the end']);
    expect(
      said([
        [0, read(1e6)],
        [11, read(2e6)],
      ]),
    ).toEqual(['Reading the text: 2.0 MB of 2.0 MB', 'Data: the end']);
  });

  test('pairs are counted, too', () => {
    const pairs = (done: number) => ({ stage: 'tokenize', split: 'test', pairs: done, totalPairs: 50 }) as const;
    expect(
      said([
        [0, pairs(1)],
        [10, pairs(20)],
      ]),
    ).toEqual(['Tokenising the test text', 'Tokenising the test text: 20 of 50', 'Data: the end']);
  });
});

test('what would steer a terminal is shown, and text is left as it is', () => {
  expect(harmless('\u001b[2J\u0007a\u009b1m\u0000')).toBe('\ufffd[2J\ufffda\ufffd1m\ufffd');
  expect(harmless('one\ttwo\r\nthree ü 漢 😀')).toBe('one\ttwo\r\nthree ü 漢 😀');
});
