import { architecture, isTranslation, languageModelConfig, translationModelConfig } from '../../lib/delight/config';
import { countParameters, modelCost, tableParameters } from '../../lib/delight/cost';
import { goldenArchitectures, publishedParameters } from './golden-sizes';

test('every model of the fixture is here', () => expect(goldenArchitectures).toHaveLength(29));

describe.each(goldenArchitectures)('%s costs what the reference counts', (name, golden) => {
  const config = architecture(name);

  test('distinct parameters', () => expect(countParameters(config)).toBe(golden.num_parameters_unique));

  test('total parameters and multiply-adds', () => {
    const entries = Object.entries(golden.stats);
    expect(entries.length).toBeGreaterThan(0);
    for (const [key, stats] of entries) {
      const [source, target] = /src=(\w+),tgt=(\w+)/.exec(key)!.slice(1);
      const lengths = { source: source === 'None' ? 1 : Number(source), target: Number(target) };
      const { blocks, total } = modelCost(config, lengths);
      const sum = (stack: string, field: 'macs' | 'passMacs') =>
        blocks.filter((block) => block.stack === stack).reduce((macs, block) => macs + block[field], 0);
      expect(total.macs).toBe(stats.exact_total_macs_sum_over_steps);
      expect(total.passMacs).toBe(stats.teacher_forced_total);
      expect(sum('encoder', 'macs')).toBe(stats.encoder_macs);
      expect(sum('encoder', 'passMacs')).toBe(stats.encoder_macs);
      expect(sum('decoder', 'passMacs')).toBe(stats.decoder_macs_one_full_pass_of_tgt_len);
      // The reference does not count the norms around a Transformer's cross-attention; the models it builds have them.
      const crossNorms = config.type === 'transformer' ? 2 * config.hiddenSize * config.decoder.layers : 0;
      expect(total.parameters).toBe(stats.exact_params_counted + crossNorms);
    }
  });
});

const withComponents = goldenArchitectures.flatMap(([name, golden]) => {
  const components = golden.per_component_T1_S1 ?? golden.per_component_T1;
  return components ? [[name, components] as const] : [];
});

test('24 models have counts by block', () => expect(withComponents).toHaveLength(24));

test.each(withComponents)('each block of %s', (name, components) => {
  const config = architecture(name);
  const { blocks } = modelCost(config, { source: 1, target: 1 });
  expect(blocks.map((block) => goldenName(block.name, name))).toEqual(Object.keys(components));
  for (const [index, [key, golden]] of Object.entries(components).entries()) {
    const { parameters, macs, attentionMacs } = blocks[index]!;
    // A shared table counts where it is first.
    const isShared = key === 'Dec_LUT' && isTranslation(config) && config.shareEmbeddings;
    expect({ key, parameters, macs: macs - golden.emb_macs, attentionMacs }).toEqual({
      key,
      parameters: golden.params + (isShared ? 0 : golden.emb_params),
      macs: golden.macs,
      attentionMacs: golden.macs_attn,
    });
  }
});

function goldenName(block: string, model: string): string {
  const [stack, part] = block.split('.') as [string, string];
  const prefix = stack === 'encoder' ? 'Enc' : 'Dec';
  if (part === 'embedding') return `${prefix}_LUT`;
  if (part === 'projection') return 'Dec_Proj';
  if (part === 'output') return model.includes('wiki103') ? 'Dec_Adp_Out' : 'Dec_Out';
  return `${prefix}_Layer_${part}`;
}

const longPasses = goldenArchitectures.flatMap(([name, golden]) =>
  ([480, 512] as const).flatMap((length) => {
    const macs = golden[`single_pass_macs_tgt_len_${length}`];
    return macs === undefined ? [] : [[name, length, macs] as const];
  }),
);

test('10 passes over long blocks', () => expect(longPasses).toHaveLength(10));

test.each(longPasses)('%s passes over %i tokens', (name, target, macs) => {
  expect(modelCost(architecture(name), { source: 1, target }).total.passMacs).toBe(macs);
});

test('13 parameter counts are published', () => expect(publishedParameters).toHaveLength(13));

test.each(publishedParameters)('%s has its published %f million parameters', (name, millions) => {
  expect((countParameters(architecture(name)) / 1e6).toFixed(2)).toBe(millions.toFixed(2));
});

describe('the small models of the fixtures', () => {
  const vocabulary = { sourceVocabSize: 30, targetVocabSize: 30 };
  const small = { minDepth: 2, maxDepth: 4, blocks: 2 };

  test('translation, one table', () => {
    const config = translationModelConfig({
      type: 'delight',
      hiddenSize: 64,
      embeddingSize: 32,
      encoder: small,
      shareEmbeddings: true,
      ...vocabulary,
    });
    expect(countParameters(config)).toBe(156800);
    expect(tableParameters(config)).toBe(30 * 32);
  });

  const language = {
    type: 'delight',
    hiddenSize: 32,
    embeddingSize: 16,
    embedding: { maxGroups: 4 },
    decoder: { minDepth: 2, maxDepth: 4, blocks: 3, maxGroups: 4 },
  } as const;

  test('language, adaptive and tied', () => {
    const config = languageModelConfig({
      ...language,
      vocabSize: 70,
      finalNorm: false,
      adaptiveInput: { cutoffs: [20, 40] },
      adaptiveSoftmax: {},
    });
    expect(countParameters(config)).toBe(20744);
    expect(tableParameters(config)).toBe(20 * 16 + 20 * 8 + 30 * 4);
  });

  test('language, plain', () => {
    expect(countParameters(languageModelConfig({ ...language, vocabSize: 40 }))).toBe(20368);
  });
});

describe('switches count what they add', () => {
  const base = {
    type: 'delight',
    hiddenSize: 64,
    embeddingSize: 32,
    sourceVocabSize: 30,
    targetVocabSize: 40,
  } as const;
  const count = (extra: object = {}) => countParameters(translationModelConfig({ ...base, ...extra }));
  const plain = count();

  test('an output layer of its own', () => expect(count({ tieWordEmbeddings: false })).toBe(plain + 40 * 32));

  test('learned positions, with rows to the padding id', () => {
    expect(count({ positions: 'learned', maxSourcePositions: 100, maxTargetPositions: 50 })).toBe(
      plain + (102 + 52) * 64,
    );
  });

  test('norms at the ends of pre-norm stacks', () => {
    expect(count({ normalizeBefore: true })).toBe(plain + 4 * 64);
    expect(count({ normalizeBefore: true, finalNorm: false })).toBe(plain + 2 * 64);
  });

  test('no projection where the output is as wide as the stream', () => {
    const names = modelCost(translationModelConfig({ ...base, embeddingSize: 64 })).blocks.map(({ name }) => name);
    expect(names).not.toContain('decoder.projection');
  });

  test('a slope for each prelu: one in each layer of a transformation, one in each feed-forward network', () => {
    const depths = modelCost(translationModelConfig(base)).blocks.map(({ depth }) => depth);
    const units = depths.filter((depth) => depth !== null);
    const slopes = units.reduce((sum, depth) => sum + depth + 2, 0) + 16;
    expect(count({ activation: 'prelu' })).toBe(plain + slopes);
  });

  test('untied adaptive softmax: words, clusters and projections of its own', () => {
    const language = {
      type: 'transformer' as const,
      hiddenSize: 32,
      vocabSize: 70,
      adaptiveInput: { cutoffs: [20, 40] },
    };
    const tied = languageModelConfig({ ...language, adaptiveSoftmax: {} });
    const untied = languageModelConfig({ ...language, adaptiveSoftmax: { tieWeights: false } });
    expect(countParameters(untied) - countParameters(tied)).toBe(20 * 32 + 20 * 16 + 30 * 8 + 32 * 16 + 32 * 8);
  });
});

test.each([0, -1, 1.5, NaN, 1e9])('a length of %d is refused', (source) => {
  const config = architecture('delight-wmt14-en-de-128');
  expect(() => modelCost(config, { source, target: 20 })).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
});
