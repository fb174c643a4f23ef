/** Tokenizers that are damaged: read as they are, or refused with a DataError; the process lives on in either case. */
import fs from 'node:fs';
import path from 'node:path';

import fc from 'fast-check';

import { loadTokenizer } from '../../lib/data';
import { byteCharacters, byteLevelTokenizerJson, endOfText } from '../../lib/data/byte-level';
import { temporaryFolder } from '../data/temporary';
import { damaged, damages, outcome, replacements, withReplaced } from './damage';

const folder = temporaryFolder();
const file = path.join(folder, 'tokenizer.json');
const settingsFile = path.join(folder, 'tokenizer_config.json');

const vocab = Object.fromEntries([endOfText, ...byteCharacters(), 'th', 'the'].map((token, id) => [token, id]));
const merges: [string, string][] = [
  ['t', 'h'],
  ['th', 'e'],
];
const sound = byteLevelTokenizerJson(vocab, merges, { specialTokens: [endOfText] });
const soundSettings = { bos_token: endOfText, eos_token: { content: endOfText }, model_max_length: 1e30 };

const load = () =>
  outcome(async () => {
    const tokenizer = await loadTokenizer(folder);
    const ids = await tokenizer.encode('the é\0');
    await tokenizer.decode(ids.filter((id) => id < tokenizer.vocabSize));
    return tokenizer.vocabSize;
  });
const refusal = { code: 'ERR_DATA' };
const refusedOrRead = async () => {
  const result = await load();
  if ('code' in result) expect(result).toEqual(refusal);
};

beforeEach(() => {
  fs.writeFileSync(file, sound);
  fs.writeFileSync(settingsFile, JSON.stringify(soundSettings));
});

test('the sound one is read', async () => {
  expect(await load()).toEqual({ value: 259 });
});

test.each([
  ['is cut off', sound.slice(0, -20)],
  ['is empty', ''],
  ['is a list', '[]'],
  ['has a token twice', sound.replace('"the":258', '"the":258,"the":258')],
  ['has a merge of unknown tokens', sound.replace('["t","h"]', '["q","zz"]')],
  ['has a model of no known kind', sound.replace('"BPE"', '"XYZ"')],
  ['has ids beyond all', sound.replace('"the":258', '"the":99999999999999999999')],
  [
    'has a broken pattern',
    sound.replace(
      /"pre_tokenizer":\{[^}]*\}/,
      '"pre_tokenizer":{"type":"Split","pattern":{"Regex":"("},"behavior":"Isolated","invert":false}',
    ),
  ],
])('a tokenizer that %s is refused', async (_name, content) => {
  fs.writeFileSync(file, content);
  expect(await load()).toEqual(refusal);
});

test('one that is not UTF-8 is refused', async () => {
  fs.writeFileSync(file, Buffer.from(sound.replace('"the"', '"\u00ff"'), 'latin1'));
  expect(await load()).toEqual(refusal);
});

test('whatever bytes are damaged, it is read or refused', async () => {
  // Each that is still JSON is tried in a process of its own.
  await fc.assert(
    fc.asyncProperty(damages, async (damage) => {
      fs.writeFileSync(file, damaged(Buffer.from(sound), damage));
      await refusedOrRead();
    }),
    { numRuns: 20 },
  );
}, 60_000);

test('whatever stands in its parts, it is read or refused', async () => {
  const parts = JSON.parse(sound) as { model: object };
  const small = {
    ...parts,
    model: { ...parts.model, vocab: { a: 0, b: 1, ab: 2 }, merges: [['a', 'b']] },
    added_tokens: [],
  };
  await fc.assert(
    fc.asyncProperty(fc.nat(), replacements, async (place, replacement) => {
      fs.writeFileSync(file, JSON.stringify(withReplaced(small, place, replacement)));
      fs.rmSync(settingsFile, { force: true });
      await refusedOrRead();
    }),
    { numRuns: 12 },
  );
}, 60_000);

test.each([
  ['a name that is no token', { bos_token: 'nowhere' }],
  ['a number for a token', { eos_token: 5 }],
  ['a list for a token', { eos_token: [] }],
  ['a senseless maximum', { model_max_length: -1 }],
  ['a maximum that is no number', { model_max_length: {} }],
])('settings with %s are refused or read', async (_name, change) => {
  fs.writeFileSync(settingsFile, JSON.stringify({ ...soundSettings, ...change }));
  await refusedOrRead();
});

test('pipes and devices are refused, none is waited for', async () => {
  for (const name of [file, settingsFile]) {
    fs.rmSync(name);
    fs.symlinkSync('/dev/zero', name);
    expect(await load()).toEqual(refusal);
    fs.rmSync(name);
    fs.writeFileSync(file, sound);
  }
});
