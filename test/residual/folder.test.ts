/** Model folders of Hugging Face's layout: the forms that are read, what is written, variants that begin with a baseline's weights. */
import fs from 'node:fs';
import path from 'node:path';

import { openTokenizer } from '../../lib/data/open-tokenizer';
import { Text } from '../../lib/data/text';
import { parityCases, ResidualLlama, type ModelOptions } from '../../lib/residual';
import { inspectSafetensors, torch } from '../../lib/tensor';
import { temporaryFolder } from '../train/tokens';

const fixtures = path.resolve(__dirname, '../fixtures');
const forms = path.join(fixtures, 'hf-forms');
const options: ModelOptions = {
  vocabSize: 31,
  hiddenSize: 8,
  intermediateSize: 12,
  numHiddenLayers: 3,
  numAttentionHeads: 2,
};

let folder: string;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

const at = (name: string) => path.join(folder, name);
const ids = () => torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4]], { dtype: 'int64' });
const logits = (model: ResidualLlama) => model.forward(ids()).toArray();
const refusedWith = (code: string, message: RegExp): Error =>
  expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error;
const readJson = (...names: string[]) => JSON.parse(fs.readFileSync(at(path.join(...names)), 'utf8')) as never;

describe('what transformers wrote', () => {
  const index: unknown = JSON.parse(fs.readFileSync(path.join(forms, 'index.json'), 'utf8'));
  const cases = parityCases(index, forms)!.map((each) => [each.name, each] as const);

  test.each(cases)('%s gives the same logits, loss and greedy continuation here', async (_name, golden) => {
    for (const { what, error, tolerance } of await golden.run({ dtype: 'float32', device: 'cpu' })) {
      expect([what, error <= tolerance]).toEqual([what, true]);
    }
  });

  test.each(['linear', 'dynamic', 'llama3'])('with %s and without, positions differ', async (name) => {
    const scaled = await ResidualLlama.load(path.join(forms, name));
    const plain = ResidualLlama.create({ ...scaled.config, ropeScaling: null });
    plain.loadStateDict(scaled.stateDict());
    const difference = scaled.forward(ids()).sub(plain.forward(ids())).abs().amax([0, 2]).toArray() as number[];
    expect(difference[0]).toBe(0);
    expect(Math.max(...difference)).toBeGreaterThan(1e-3);
  });

  test('dynamic positions are plain up to the maximum, and turn more slowly the longer the text is', async () => {
    const scaled = await ResidualLlama.load(path.join(forms, 'dynamic'));
    const plain = ResidualLlama.create({ ...scaled.config, ropeScaling: null });
    plain.loadStateDict(scaled.stateDict());
    const short = ids().narrow(1, 0, scaled.config.maxPositionEmbeddings);
    expect(scaled.forward(short).toArray()).toEqual(plain.forward(short).toArray());
    const first = (length: number) =>
      scaled
        .forward(ids().narrow(1, 0, length))
        .select(1, 10)
        .toArray();
    expect(first(20)).not.toEqual(first(17));
  });
});

describe('what is written', () => {
  test('weights beyond a size are divided, with an index, and come back', async () => {
    const model = ResidualLlama.create({ ...options, residual: '3.2' });
    await model.save(at('sharded'), { maxShardBytes: 1200 });
    const shards = fs.readdirSync(at('sharded')).filter((name) => name.endsWith('.safetensors'));
    expect(shards.length).toBeGreaterThan(2);
    expect(shards[0]).toBe(`model-00001-of-${String(shards.length).padStart(5, '0')}.safetensors`);
    const { metadata, weight_map: map } = readJson('sharded', 'model.safetensors.index.json') as {
      metadata: object;
      weight_map: Record<string, string>;
    };
    const elements = [...model.parameters()].reduce((sum, { numel }) => sum + numel, 0);
    expect(metadata).toEqual({ total_parameters: elements, total_size: 4 * elements });
    expect(new Set(Object.values(map))).toEqual(new Set(shards));
    for (const shard of shards) {
      const tensors = [...inspectSafetensors(at(`sharded/${shard}`)).tensors];
      const bytes = tensors.reduce((sum, [, { shape }]) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0);
      expect(bytes <= 1200 || tensors.length === 1).toBe(true);
      for (const [name] of tensors) expect(map[name]).toBe(shard);
    }
    expect(logits(await ResidualLlama.load(at('sharded')))).toEqual(logits(model));
  });

  test('a later saving leaves none of the earlier files that would be read in its place', async () => {
    const first = ResidualLlama.create(options);
    await first.save(at('again'));
    fs.writeFileSync(at('again/README.md'), 'mine');
    const second = ResidualLlama.create(options);
    await second.save(at('again'), { maxShardBytes: 2000 });
    expect(fs.existsSync(at('again/model.safetensors'))).toBe(false);
    expect(logits(await ResidualLlama.load(at('again')))).toEqual(logits(second));
    await first.save(at('again'));
    expect(fs.readdirSync(at('again')).sort()).toEqual(['README.md', 'config.json', 'model.safetensors']);
    expect(logits(await ResidualLlama.load(at('again')))).toEqual(logits(first));
  });

  test('weights of 16 bits come from float32 and go back', async () => {
    const model = ResidualLlama.create(options);
    await model.save(at('half'), { dtype: 'bfloat16' });
    expect(readJson('half', 'config.json')).toMatchObject({ dtype: 'bfloat16', torch_dtype: 'bfloat16' });
    const dtypes = [...inspectSafetensors(at('half/model.safetensors')).tensors.values()].map(({ dtype }) => dtype);
    expect(new Set(dtypes)).toEqual(new Set(['bfloat16']));
    const rounded = await ResidualLlama.load(at('half'));
    const kept = await ResidualLlama.load(at('half'), { dtype: 'bfloat16' });
    for (const [name, parameter] of model.namedParameters()) {
      const expected = parameter.detach().to('bfloat16');
      expect(kept.stateDict().get(name)).toMatchObject({ dtype: 'bfloat16' });
      expect(kept.stateDict().get(name)!.toArray()).toEqual(expected.toArray());
      expect(rounded.stateDict().get(name)).toMatchObject({ dtype: 'float32' });
      expect(rounded.stateDict().get(name)!.toArray()).toEqual(expected.toArray());
    }
    await expect(model.save(at('half'), { dtype: 'int64' })).rejects.toThrow(refusedWith('ERR_ARGUMENT', /int64/));
    await expect(model.save(at('half'), { maxShardBytes: 0 })).rejects.toThrow(
      refusedWith('ERR_ARGUMENT', /maxShardBytes/),
    );
  });

  test('special tokens are those of the generation, else of the configuration, else of the tokenizer', async () => {
    const model = ResidualLlama.create(options);
    await model.save(at('special'), { bosTokenId: 1, eosTokenId: [2, 3] });
    expect(readJson('special', 'generation_config.json')).toEqual({ bos_token_id: 1, eos_token_id: [2, 3] });
    const special = async () => (await ResidualLlama.load(at('special'))).specialTokens;
    expect(await special()).toEqual({ bosTokenId: 1, eosTokenId: [2, 3] });
    fs.writeFileSync(at('special/generation_config.json'), '{ "eos_token_id": 7 }');
    expect(await special()).toEqual({ bosTokenId: 1, eosTokenId: 7 });
    fs.writeFileSync(at('special/generation_config.json'), '{ "eos_token_id": "</s>" }');
    await expect(special()).rejects.toThrow(refusedWith('ERR_CONFIG', /generation_config\.json eos_token_id/));
  });

  test('the tokenizer is written and read with the model', async () => {
    const text = await Text.open([path.join(fixtures, 'data/text.txt')]);
    const tokenizer = await openTokenizer({ bpe: 300 }, text, { cacheDir: at('cache') });
    const model = ResidualLlama.create({ ...options, vocabSize: 300 });
    expect(model.tokenizer).toBeNull();
    model.tokenizer = tokenizer;
    await model.save(at('with-tokenizer'));
    const loaded = await ResidualLlama.load(at('with-tokenizer'));
    expect(await loaded.tokenizer!.encode('Hello, wörld!')).toEqual(await tokenizer.encode('Hello, wörld!'));
    expect(loaded.specialTokens).toEqual({ bosTokenId: 0, eosTokenId: 0 });
    // What transformers chooses the tokenizer's class by.
    expect(readJson('with-tokenizer', 'tokenizer_config.json')).toMatchObject({
      tokenizer_class: 'PreTrainedTokenizerFast',
      bos_token: '<|endoftext|>',
      eos_token: '<|endoftext|>',
    });
    fs.writeFileSync(at('with-tokenizer/tokenizer.json'), '{}');
    await expect(ResidualLlama.load(at('with-tokenizer'))).rejects.toThrow(refusedWith('ERR_DATA', /tokenizer\.json/));
  });
});

describe('a variant that begins with the weights of a baseline', () => {
  const pretrained = path.join(forms, 'llama3');

  test('has them, and its learned weights at their initial value, which are named', async () => {
    const baseline = await ResidualLlama.load(pretrained);
    expect(baseline.newParameters).toEqual([]);
    const model = await ResidualLlama.load(pretrained, { residual: '4.2' });
    expect(model.newParameters).toEqual(['model.layers.1.modified_residual_attn.layer_weights']);
    const state = model.stateDict();
    for (const [name, parameter] of baseline.namedParameters()) {
      expect(state.get(name)!.toArray()).toEqual(parameter.toArray());
    }
    expect(state.get(model.newParameters[0]!)!.toArray()).toEqual([1, 1]);
    expect(model.config).toEqual({ ...baseline.config, residual: model.config.residual });
    expect(logits(model)).not.toEqual(logits(baseline));
  });

  test('may be named by its switches, and one without learned weights needs none', async () => {
    const model = await ResidualLlama.load(pretrained, { residual: { site: 'mlp', weights: 'mean', window: 1 } });
    expect(model.newParameters).toEqual([]);
    expect(model.config.residual).toMatchObject({ site: 'mlp', weights: 'mean', window: 1 });
  });

  test('keeps the learned weights that a folder has', async () => {
    const model = await ResidualLlama.load(pretrained, { residual: '3.2' });
    model.stateDict().get(model.newParameters[0]!)!.fill_(3);
    await model.save(at('learned'));
    const loaded = await ResidualLlama.load(at('learned'), { residual: '3.2' });
    expect(loaded.newParameters).toEqual([]);
    expect(logits(loaded)).toEqual(logits(model));
    await expect(ResidualLlama.load(at('learned'), { residual: '4.2' })).rejects.toThrow(
      refusedWith('ERR_CHECKPOINT', /modified_residual_mlp.layer_weights is not a parameter/),
    );
  });

  test('is refused where anything else is missing, or its name is unknown', async () => {
    const model = ResidualLlama.create({ ...options, tieWordEmbeddings: true });
    await model.save(at('headless'));
    const config = readJson('headless', 'config.json') as object;
    fs.writeFileSync(at('headless/config.json'), JSON.stringify({ ...config, tie_word_embeddings: false }));
    for (const residual of ['baseline', '3.2']) {
      await expect(ResidualLlama.load(at('headless'), { residual })).rejects.toThrow(
        refusedWith('ERR_CHECKPOINT', /lm_head.weight is missing/),
      );
    }
    await expect(ResidualLlama.load(pretrained, { residual: '5' })).rejects.toThrow(refusedWith('ERR_CONFIG', /5/));
  });

  test('a folder of a variant without its learned weights is damaged', async () => {
    const model = await ResidualLlama.load(pretrained, { residual: '3.2' });
    await model.save(at('robbed'));
    fs.copyFileSync(path.join(pretrained, 'model.safetensors'), at('robbed/model.safetensors'));
    await expect(ResidualLlama.load(at('robbed'))).rejects.toThrow(
      refusedWith('ERR_CHECKPOINT', /layer_weights is missing/),
    );
  });
});

test('a configuration far larger than its weights is refused before anything is made', async () => {
  const target = at('huge');
  fs.cpSync(path.join(forms, 'linear'), target, { recursive: true });
  const config = readJson('huge', 'config.json') as object;
  for (const change of [{ num_hidden_layers: 60_000 }, { vocab_size: 2 ** 31 - 1 }, { intermediate_size: 2 ** 30 }]) {
    fs.writeFileSync(path.join(target, 'config.json'), JSON.stringify({ ...config, ...change }));
    await expect(ResidualLlama.load(target)).rejects.toThrow(refusedWith('ERR_CHECKPOINT', /describes \d+ parameters/));
  }
});

test('a tensor that is no floating-point one is refused, and weights of an older form are named', async () => {
  const model = ResidualLlama.create(options);
  await model.save(at('whole'));
  const bytes = fs.readFileSync(at('whole/model.safetensors'));
  const text = bytes.toString('latin1').replace('"F32"', '"I32"');
  fs.writeFileSync(at('whole/model.safetensors'), Buffer.from(text, 'latin1'));
  await expect(ResidualLlama.load(at('whole'))).rejects.toThrow(refusedWith('ERR_CHECKPOINT', /is of int32/));
  fs.renameSync(at('whole/model.safetensors'), at('whole/pytorch_model.bin'));
  await expect(ResidualLlama.load(at('whole'))).rejects.toThrow(refusedWith('ERR_CHECKPOINT', /pytorch_model\.bin/));
});
