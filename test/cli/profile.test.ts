import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { main } from '../../lib/cli/main';
import { formatConfig } from '../../lib/config';
import { architectureNames } from '../../lib/delight/config';

const llama = path.resolve(__dirname, '../fixtures/hf-llama/single');

interface Profile {
  name: string;
  blocks: { name: string; stack: string; parameters: number; macs: number }[];
  total: { parameters: number; macs: number };
}

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const printed = { stdout: '', stderr: '' };
  const spies = [
    jest.spyOn(console, 'log').mockImplementation((text: string) => void (printed.stdout += `${text}\n`)),
    jest.spyOn(console, 'error').mockImplementation((text: string) => void (printed.stderr += `${text}\n`)),
    jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
      printed.stderr += String(text);
      return true;
    }),
  ];
  try {
    return { code: await main(['profile', ...args]), ...printed };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

async function profile(...args: string[]): Promise<Profile> {
  const { code, stdout } = await run(...args, '--json');
  expect(code).toBe(0);
  return JSON.parse(stdout) as Profile;
}

test('a child process that cannot load any addon prints a profile, and never asks for one', async () => {
  const root = path.resolve(__dirname, '../..');
  const preload = ['scripts/register.cjs', 'test/cli/without-addon.cjs'].flatMap((file) => [
    '-r',
    path.join(root, file),
  ]);
  for (const name of ['delight-wmt14-en-de-640', 'translate-demo', 'sotu-lm', 'demo']) {
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      [...preload, path.join(root, 'lib/cli/main.ts'), 'profile', name],
      { env: { ...process.env, NODE_OPTIONS: '' } },
    );
    expect(stdout).toMatch(/MACs|FLOPs/);
    expect(stderr).toBe('addons asked for: 0\n');
  }
});

test('one model, block by block, with totals', async () => {
  const { code, stdout } = await run('delight-wmt14-en-de-640');
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^encoder\.7 +8 +3 +2 4 8 16 16 8 4 2 +320 856 1392 1920 1920 1392 856 320 +2,956,240 +59,250,560$/m,
  );
  expect(stdout).toMatch(/^encoder\.embedding +4 +2 +2 4 4 2 +320 256 256 640 +6,572,480 /m);
  expect(stdout).toMatch(/^Parameters +54,036,236 \(54\.04 M\)/m);
  expect(stdout).toMatch(/^MACs +8,026,333,120 \(8\.026 G\)/m);
  expect(stdout.match(/^(encoder|decoder)\.\d+ /gm)).toHaveLength(16);
});

test('--json: name, blocks and total, which is the sum of the blocks', async () => {
  const { name, blocks, total } = await profile('transformer-base-wmt14-en-de');
  expect(name).toBe('transformer-base-wmt14-en-de');
  expect(total).toMatchObject({ parameters: 66531328, macs: 11018496000 });
  expect(blocks.reduce((sum, block) => sum + block.parameters, 0)).toBe(total.parameters);
  expect(blocks.reduce((sum, block) => sum + block.macs, 0)).toBe(total.macs);
});

test('lengths change the multiply-adds and not the parameters', async () => {
  const short = await profile('delight-wmt14-en-de-128');
  const long = await profile('delight-wmt14-en-de-128', '--source-length', '40', '--target-length=30');
  expect(long.total.parameters).toBe(short.total.parameters);
  expect(long.total.macs).toBeGreaterThan(short.total.macs);
});

test('several models side by side, related to the first', async () => {
  const { stdout } = await run('delight-wmt14-en-de-640', 'transformer-base-wmt14-en-de');
  expect(stdout).toMatch(/^delight-wmt14-en-de-640 +640 +8\+8 +54,036,236 +1\.00x .* 8,026,333,120 +1\.00x /m);
  expect(stdout).toMatch(/^transformer-base-wmt14-en-de +512 +6\+6 +66,531,328 +1\.23x .* 11,018,496,000 +1\.37x /m);
});

test('--list has every named architecture', async () => {
  const { stdout } = await run('--list');
  for (const name of architectureNames()) expect(stdout).toMatch(new RegExp(`^${name} `, 'm'));
});

describe('studies', () => {
  let folder: string;
  const file = (name: string, study: object) => {
    const place = path.join(folder, name);
    fs.writeFileSync(place, formatConfig(study));
    return place;
  };
  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'torchwright-profile-'));
  });
  afterAll(() => fs.rmSync(folder, { recursive: true }));

  const translation = {
    task: 'translation',
    name: 'small',
    data: { corpus: 'pairs.tsv', vocabulary: { bpe: 301, multipleOf: 8 } },
    models: { DeLighT: { type: 'delight', hiddenSize: 64, embeddingSize: 32 } },
    train: {},
  };

  test('have the vocabulary that their data ask for', async () => {
    const small = await profile(file('a.yaml', translation));
    const direct = await profile(
      file('b.yaml', {
        ...translation,
        models: { DeLighT: { ...translation.models.DeLighT, sourceVocabSize: 304, targetVocabSize: 304 } },
      }),
    );
    expect(small.name).toBe('DeLighT');
    expect(small.total).toEqual(direct.total);
  });

  test('take overrides', async () => {
    const study = file('c.yaml', translation);
    const [plain, wide] = [await profile(study), await profile(study, 'models.DeLighT.hiddenSize=128')];
    expect(wide.total.parameters).toBeGreaterThan(plain.total.parameters);
  });

  test('with impossible sizes are refused with a position and the nearest possible value', async () => {
    const { code, stderr } = await run(file('d.yaml', translation), 'models.DeLighT.hiddenSize=100');
    expect(stderr).toMatch(/models\.DeLighT\.hiddenSize 100 must be a multiple of 32 .*nearest possible value is 96/);
    expect(code).toBe(2);
  });

  test('of language models need --vocab-size where only the tokenizer knows it', async () => {
    const language = {
      task: 'language-model',
      data: { corpus: 'text.txt', tokenizer: 'tokenizer.json' },
      models: { A: { type: 'transformer', hiddenSize: 64 } },
    };
    const study = file('e.yaml', language);
    const { code, stderr } = await run(study);
    expect([code, stderr]).toEqual([2, expect.stringContaining('--vocab-size')]);
    const { total } = await profile(study, '--vocab-size', '1000');
    const bytes = await profile(file('f.yaml', { ...language, data: { corpus: 'text.txt' } }));
    expect(total.parameters - bytes.total.parameters).toBe((1000 - 256) * 64);
  });
});

describe('residual studies', () => {
  interface ResidualProfile {
    time: number;
    batch: number;
    vocabSize: number;
    variants: { title: string; parameters: number; flopsPerToken: { causal: { total: number } } }[];
  }
  const residual = async (...args: string[]) => {
    const { code, stdout } = await run(...args, '--json');
    expect(code).toBe(0);
    return JSON.parse(stdout) as ResidualProfile;
  };

  test('a line for each of the seven, related to the baseline', async () => {
    const { code, stdout } = await run('note');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^note: 8 layers of 512, ff 1024, 8\/4 heads, vocabulary 32000; batches of 8 x 2048 tokens, bf16$/m,
    );
    expect(stdout.match(/^(Baseline|Method \S+) +51,651,\d+ /gm)).toHaveLength(7);
    expect(stdout).toMatch(/^Method 1 +51,651,072 +28 +227 M +2\.60x +2\.62x /m);
    expect(stdout).toMatch(/^Method 2 +51,651,072 +28 +139 M +1\.59x +1\.78x .* 22\.5 kB +2\.75x /m);
    expect(stdout).toMatch(/^Method 4\.2 +51,651,107 /m);
  });

  test('stored rows beside recomputed ones, by name', async () => {
    const { variants } = await residual('demo', 'variants=[baseline, 3.2, 3.2 stored]');
    expect(variants.map(({ title }) => title)).toEqual(['Baseline', 'Method 3.2', 'Method 3.2 (stored)']);
    const [baseline, recomputed, stored] = variants;
    expect(stored!.flopsPerToken).toEqual(baseline!.flopsPerToken);
    expect(stored!.parameters).toBe(recomputed!.parameters);
  });

  test('a model folder has its own sizes, at its positions or the length that is asked for', async () => {
    const { time, vocabSize, variants } = await residual(llama);
    expect([time, vocabSize, variants.length]).toEqual([64, 101, 7]);
    const long = await residual(llama, '--target-length', '128', '--batch-size', '2');
    expect([long.time, long.batch]).toEqual([128, 2]);
    expect(long.variants[1]!.flopsPerToken.causal.total).toBeGreaterThan(variants[1]!.flopsPerToken.causal.total);
  });
});

test.each<[string, string[], RegExp]>([
  ['nothing named', [], /--list prints them/],
  ['an unknown name', ['delight-wmt14-en-de-645'], /did you mean delight-wmt14-en-de-640\?/],
  ['a shipped study, misspelt', ['translat-demo'], /did you mean translate-demo\?/],
  ['nothing like a name', ['xyzzy'], /There is no architecture and no study xyzzy.*--list/],
  ['a residual study and an architecture', ['demo', 'delight-wmt14-en-de-128'], /one after the other/],
  ['a source for a decoder of text', ['demo', '--source-length', '5'], /has no source/],
  ['a batch of an architecture', ['delight-wmt14-en-de-128', '--batch-size', '4'], /--batch-size is for residual/],
  ['a mistake in an override', ['demo', 'model.hiddenSize=63'], /4 heads do not divide hiddenSize 63/],
  ['changes of a model folder', [llama, 'model.hiddenSize=64'], /is a model's folder/],
  ['a length of nothing', ['delight-wmt14-en-de-128', '--source-length', '0'], /positive whole number/],
  ['a vocabulary for an architecture', ['delight-wmt14-en-de-128', '--vocab-size', '9'], /is for studies/],
  ['overrides without a study', ['delight-wmt14-en-de-128', 'hiddenSize=5'], /changes a study, and none is named/],
])('%s is refused with what to do', async (_what, args, message) => {
  const { code, stdout, stderr } = await run(...args);
  expect(stderr).toMatch(message);
  expect(stdout).toBe('');
  expect(code).toBe(2);
});
