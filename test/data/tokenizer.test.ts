import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import fc from 'fast-check';

import { loadTokenizer } from '../../lib/data';
import { trainBpe } from '../../lib/data/bpe';
import { ByteTokenizer } from '../../lib/data/byte-tokenizer';
import { HuggingFaceTokenizer } from '../../lib/data/huggingface-tokenizer';
import { Text } from '../../lib/data/text';
import { temporaryFolder, write } from './temporary';

const folder = temporaryFolder();
const fixtures = path.join(__dirname, '../fixtures/data');

/** From Hugging Face's own trainer, called from Python: see make_bpe.py beside it. */
const golden = JSON.parse(readFileSync(path.join(fixtures, 'bpe-330.json'), 'utf8')) as {
  vocab: Record<string, number>;
  merges: [string, string][];
  samples: { text: string; ids: number[] }[];
};

interface TokenizerJson {
  model: { vocab: Record<string, number>; merges: [string, string][] };
}

async function trained(vocabSize: number, cacheDir = path.join(folder, 'cache')): Promise<string> {
  return trainBpe(await Text.open([path.join(fixtures, 'text.txt')]), vocabSize, { cacheDir });
}

const open = (json: string, settings = {}) => HuggingFaceTokenizer.fromJson(json, settings, 'test');

const unicode = fc.string({ unit: 'binary' });

describe('bytes', () => {
  const bytes = new ByteTokenizer();

  test('are the ids, and come back', async () => {
    expect(await bytes.encode('é\0')).toEqual([0xc3, 0xa9, 0]);
    await fc.assert(
      fc.asyncProperty(unicode, async (text) => expect(await bytes.decode(await bytes.encode(text))).toBe(text)),
    );
  });

  test('are saved as a tokenizer.json that gives the same ids', async () => {
    const target = path.join(folder, 'bytes');
    await bytes.save(target);
    const loaded = await loadTokenizer(target);
    expect([loaded.vocabSize, loaded.bosTokenId, loaded.eosTokenId, loaded.maxLength]).toEqual([
      256,
      null,
      null,
      Infinity,
    ]);
    await fc.assert(
      fc.asyncProperty(unicode, async (text) => {
        const ids = await bytes.encode(text);
        expect(await loaded.encode(text)).toEqual(ids);
        expect(await loaded.decode(ids)).toBe(text);
      }),
    );
  });

  test.each([[[256]], [[-1]], [[1.5]], [[NaN]]])('refuse to decode %p', (ids) => {
    expect(() => bytes.decode(ids)).toThrow(/outside the vocabulary \(0 to 255\)/);
  });
});

describe('a byte-level BPE trained here', () => {
  test('is the one that Python trains with all options', async () => {
    const { model } = JSON.parse(await trained(330)) as TokenizerJson;
    expect(model.vocab).toEqual(golden.vocab);
    expect(model.merges).toEqual(golden.merges);
    const tokenizer = await open(await trained(330));
    for (const { text, ids } of golden.samples) expect(await tokenizer.encode(text)).toEqual(ids);
  });

  test('loses no byte of any text', async () => {
    const tokenizer = await open(await trained(300));
    expect(tokenizer.vocabSize).toBe(300);
    await fc.assert(
      fc.asyncProperty(unicode, async (text) => {
        expect(await tokenizer.decode(await tokenizer.encode(text))).toBe(text);
      }),
    );
  });

  test('comes out the same again, from the cache and from training', async () => {
    let trainings = 0;
    const parts = await Text.open([path.join(fixtures, 'text.txt')]);
    const again = (cacheDir: string) => trainBpe(parts, 330, { cacheDir, onTrain: () => trainings++ });
    const fresh = path.join(folder, 'fresh');
    expect(await again(fresh)).toBe(await trained(330));
    expect(await again(fresh)).toBe(await trained(330));
    expect(trainings).toBe(1);
  });

  test('has a smallest and a largest size', async () => {
    const least = JSON.parse(await trained(257)) as TokenizerJson;
    expect(least.model.merges).toEqual([]);
    const error = await trained(30_000).catch((problem: Error) => problem as Error & { code: string });
    expect(error).toMatchObject({ code: 'ERR_DATA' });
    const most = Number(/it gives (\d+) at most/.exec((error as Error).message)?.[1]);
    expect(most).toBeGreaterThan(330);
    expect(Object.keys((JSON.parse(await trained(most)) as TokenizerJson).model.vocab)).toHaveLength(most);
    await expect(trained(most + 1)).rejects.toMatchObject({ code: 'ERR_DATA' });
  });

  test('is saved and loaded with its special token', async () => {
    const target = path.join(folder, 'bpe');
    const tokenizer = await open(await trained(330), {
      bos_token: '<|endoftext|>',
      eos_token: { content: '<|endoftext|>' },
    });
    await tokenizer.save(target);
    const loaded = await loadTokenizer(path.join(target, 'tokenizer.json'));
    expect([loaded.vocabSize, loaded.bosTokenId, loaded.eosTokenId]).toEqual([330, 0, 0]);
    expect(loaded.fingerprint).toBe(tokenizer.fingerprint);
    expect(await loaded.encode('a sea<|endoftext|>')).toEqual(await tokenizer.encode('a sea<|endoftext|>'));
    expect(await loaded.decode(await loaded.encode('a sea<|endoftext|>'))).toBe('a sea');
    await expect(async () => loaded.decode([330])).rejects.toMatchObject({ code: 'ERR_DATA' });
  });
});

describe('a tokenizer.json', () => {
  const words = {
    version: '1.0',
    truncation: { max_length: 2, strategy: 'LongestFirst', stride: 0, direction: 'Right' },
    padding: {
      strategy: { Fixed: 9 },
      direction: 'Right',
      pad_to_multiple_of: null,
      pad_id: 0,
      pad_type_id: 0,
      pad_token: 'x',
    },
    added_tokens: [
      { id: 1, content: '<s>', single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
    ],
    normalizer: null,
    pre_tokenizer: { type: 'Whitespace' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
      special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
    },
    decoder: null,
    model: { type: 'WordLevel', vocab: { '<unk>': 0, '<s>': 1, sea: 2, ship: 70000 }, unk_token: '<unk>' },
  };
  let count = 0;
  const load = (tokenizer: unknown, settings?: unknown) => {
    const target = path.join(folder, `file${count++}`);
    mkdirSync(target);
    write(target, 'tokenizer.json', typeof tokenizer === 'string' ? tokenizer : JSON.stringify(tokenizer));
    if (settings !== undefined)
      write(target, 'tokenizer_config.json', typeof settings === 'string' ? settings : JSON.stringify(settings));
    return loadTokenizer(target);
  };

  test('adds its own special tokens to every text, and neither cuts nor pads', async () => {
    const tokenizer = await load(words);
    expect(await tokenizer.encode('')).toEqual([1]);
    expect(await tokenizer.encode('sea ship sea boat')).toEqual([1, 2, 70000, 2, 0]);
    expect(tokenizer.vocabSize).toBe(70001);
    expect(await tokenizer.decode([1, 2, 70000])).toBe('sea ship');
  });

  test('gets its begin, end and longest input from the file beside it', async () => {
    const tokenizer = await load(words, { bos_token: '<s>', eos_token: null, model_max_length: 512 });
    expect([tokenizer.bosTokenId, tokenizer.eosTokenId, tokenizer.maxLength]).toEqual([1, null, 512]);
    expect((await load(words, { model_max_length: 1e30 })).maxLength).toBe(Infinity);
  });

  test.each([
    ['empty', '', undefined, /is not a Hugging Face tokenizer/],
    ['cut off', JSON.stringify(words).slice(0, 300), undefined, /is not a Hugging Face tokenizer/],
    ['another JSON file', '{}', undefined, /is not a Hugging Face tokenizer/],
    [
      'without vocabulary',
      { ...words, model: { ...words.model, vocab: {} }, added_tokens: [] },
      undefined,
      /empty vocabulary/,
    ],
    // This one ends the process inside the library.
    [
      'with parts that do not fit',
      { ...words, post_processor: { ...words.post_processor, special_tokens: {} } },
      undefined,
      /damaged|not a Hugging Face/,
    ],
    ['with broken settings', words, '{', /tokenizer_config\.json is not a JSON object/],
    ['with settings that are a list', words, '7', /tokenizer_config\.json is not a JSON object/],
    ['with an unknown begin token', words, { bos_token: '<bos>' }, /bos_token "<bos>" is not in the vocabulary/],
    ['with a senseless maximum', words, { model_max_length: 'long' }, /model_max_length "long"/],
  ])('that is %s is refused', async (_, tokenizer, settings, message) => {
    await expect(load(tokenizer, settings)).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringMatching(message) as string,
    });
  });

  test('that cannot encode a text says so', async () => {
    const tokenizer = await load({ ...words, model: { ...words.model, vocab: { '<s>': 1, sea: 2 } } });
    await expect(tokenizer.encode('boat')).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: /cannot encode the text/,
    });
  });

  test('that is missing is named', async () => {
    await expect(loadTokenizer(path.join(folder, 'none.json'))).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: /none\.json/,
    });
    const empty = path.join(folder, 'emptyFolder');
    mkdirSync(empty);
    await expect(loadTokenizer(empty)).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: /emptyFolder.tokenizer\.json/,
    });
    copyFileSync(path.join(fixtures, 'text.txt'), path.join(empty, 'tokenizer.json'));
    await expect(loadTokenizer(empty)).rejects.toMatchObject({ code: 'ERR_DATA' });
  });
});
