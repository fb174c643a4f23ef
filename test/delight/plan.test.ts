import fc from 'fast-check';

import { architecture, isTranslation, languageModelConfig, translationModelConfig } from '../../lib/delight/config';
import {
  blockScaling,
  decoderPlan,
  embeddingPlan,
  encoderPlan,
  maxGroups,
  transformationPlan,
  type BlockPlan,
  type GroupLinearSize,
  type TransformationOptions,
} from '../../lib/delight/plan';
import { goldenArchitectures, type GltRow, type GoldenBlock } from './golden-sizes';

const rows = (layers: GroupLinearSize[]): GltRow[] =>
  layers.map(({ inFeatures, outFeatures, groups }) => [inFeatures, outFeatures, groups]);

/** A block in the fixture's form. */
function goldenForm(plan: BlockPlan, block: number): Omit<GoldenBlock, 'params'> {
  if (plan.type !== 'delight') throw new Error('not a DeLighT block');
  const { depth, widthMultiplier, maxFeatures, inFeatures, projFeatures, outFeatures, layers } = plan.transformation;
  return {
    block,
    depth,
    width_multiplier: widthMultiplier,
    max_features: maxFeatures,
    groups: layers.map(({ groups }) => groups),
    glt: rows(layers),
    input_layer: [inFeatures, projFeatures],
    output_layer: [layers.at(-1)!.outFeatures + projFeatures, outFeatures],
  };
}

const delight = goldenArchitectures.filter(([, golden]) => golden.embedding_glt !== undefined);

test('the fixture has 368 block tables and 24 embedding tables', () => {
  const blocks = delight.flatMap(([, { encoder_blocks: encoder = [], decoder_blocks: decoder = [] }]) => [
    ...encoder,
    ...decoder,
  ]);
  expect([blocks.length, delight.length]).toEqual([368, 24]);
});

describe.each(delight)('%s has the sizes of the reference', (name, golden) => {
  const config = architecture(name);

  test('of every block', () => {
    const plain = (blocks: GoldenBlock[]) => blocks.map(({ params: _counted, ...sizes }) => sizes);
    if (isTranslation(config)) expect(encoderPlan(config).map(goldenForm)).toEqual(plain(golden.encoder_blocks!));
    expect(decoderPlan(config).map(goldenForm)).toEqual(plain(golden.decoder_blocks!));
  });

  test('of the embedding', () => expect(rows(embeddingPlan(config)!.layers)).toEqual(golden.embedding_glt));

  test('the most groups by the rule', () => {
    const { emb, enc, dec } = golden.max_groups!;
    for (const groups of [emb, enc ?? emb, dec]) expect(maxGroups(config.hiddenSize)).toBe(groups);
  });
});

test('DeFINE: widths grow to the end, groups halve, dense layers between', () => {
  const { layers } = transformationPlan({
    ...{ inFeatures: 64, projFeatures: 32, outFeatures: 32, depth: 5, widthMultiplier: 2, maxGroups: 4 },
    define: true,
  });
  expect(rows(layers)).toEqual([
    [32, 56, 2],
    [88, 80, 1],
    [112, 104, 4],
    [136, 128, 2],
    [160, 32, 1],
  ]);
});

test('one group makes every layer dense', () => {
  const { layers } = transformationPlan({
    ...{ inFeatures: 32, projFeatures: 16, outFeatures: 16, depth: 4, widthMultiplier: 2, maxGroups: 1 },
  });
  expect(layers.map(({ groups }) => groups)).toEqual([1, 1, 1, 1]);
});

describe('block scaling', () => {
  test('of language models goes from 4 to 12', () => {
    const scaling = blockScaling({ scaling: 'block', minDepth: 4, maxDepth: 12, widthMultiplier: 2, blocks: 12 });
    expect(scaling.map(({ depth }) => depth)).toEqual([4, 4, 5, 6, 6, 7, 8, 9, 9, 10, 11, 12]);
    expect(scaling.map(({ widthMultiplier }) => widthMultiplier)).toEqual([
      ...[2, 2.182, 2.364, 2.545, 2.727, 2.909, 3.091, 3.273, 3.455, 3.636, 3.818, 4],
    ]);
  });

  test('uniform gives every block the same', () => {
    expect(blockScaling({ scaling: 'uniform', minDepth: 5, maxDepth: 5, widthMultiplier: 1.5, blocks: 3 })).toEqual(
      Array(3).fill({ depth: 5, widthMultiplier: 1.5 }),
    );
  });

  test('one block has the first depth', () => {
    expect(blockScaling({ scaling: 'block', minDepth: 4, maxDepth: 8, widthMultiplier: 2, blocks: 1 })).toEqual([
      { depth: 4, widthMultiplier: 2 },
    ]);
  });

  const good = { scaling: 'block', minDepth: 4, maxDepth: 8, widthMultiplier: 2, blocks: 8 } as const;
  test.each([
    [{ minDepth: 9 }, /^minDepth 9 is more than maxDepth 8; the nearest possible value is 8$/],
    [{ minDepth: 1 }, /^minDepth 1 .*; the nearest possible value is 2$/],
    [{ minDepth: 4.4 }, /^minDepth 4\.4 .*; the nearest possible value is 4$/],
    [{ blocks: 0 }, /^blocks 0 .*; the nearest possible value is 1$/],
    [{ maxDepth: 1e9 }, /^maxDepth 1000000000 .* to 1000/],
    [{ widthMultiplier: -1 }, /^widthMultiplier -1 must be a positive number/],
    [{ scaling: 'uniform' }, /^maxDepth 8 must equal minDepth 4 .*; the nearest possible value is 4$/],
  ] as const)('%j is refused', (change, message) => {
    const scale = () => blockScaling({ ...good, ...change });
    expect(scale).toThrow(message);
    expect(scale).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
  });
});

describe('impossible transformations are refused, with the nearest possible value', () => {
  const good: TransformationOptions = {
    ...{ inFeatures: 128, projFeatures: 64, outFeatures: 64, depth: 4, widthMultiplier: 2, maxGroups: 8 },
  };
  test.each<[Partial<TransformationOptions>, RegExp]>([
    [{ depth: 1 }, /^depth 1 is too few: .*; the nearest possible value is 2$/],
    [{ depth: 2.5 }, /^depth 2\.5 must be a positive whole number; the nearest possible value is 3$/],
    [{ depth: NaN }, /^depth NaN must be a positive whole number$/],
    [{ depth: 1e9 }, /^depth 1000000000 is too many/],
    [{ inFeatures: 127 }, /^inFeatures 127 must be even; the nearest possible value is 128$/],
    [{ inFeatures: 132 }, /^inFeatures 132 cannot be split into maxGroups = 8 groups; .* 128$/],
    [{ projFeatures: 66 }, /^projFeatures 66 cannot be split into the 4 groups of layer 1; .* 64$/],
    [{ outFeatures: 65 }, /^outFeatures 65 cannot be split into the 2 groups of the last layer; .* 64$/],
    [{ maxGroups: 12 }, /^maxGroups 12 must be a power of 2; the nearest possible value is 8$/],
    [{ maxGroups: 0 }, /^maxGroups 0 .*; the nearest possible value is 1$/],
    [{ widthMultiplier: 0.001 }, /^widthMultiplier 0\.001 gives layer 1 a width of 0; .* 1$/],
    [{ widthMultiplier: 1e9 }, /^widthMultiplier 1000000000 gives layer 1 a width of 128000000000/],
    [{ widthMultiplier: Infinity }, /^widthMultiplier Infinity must be a positive number$/],
  ])('%j', (change, message) => {
    const plan = () => transformationPlan({ ...good, ...change });
    expect(plan).toThrow(message);
    expect(plan).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
  });

  test.each([
    [100, /^features 100 must be a multiple of 32.*nearest possible value is 96$/],
    [16, /nearest possible value is 32$/],
    [0, /nearest possible value is 32$/],
    [NaN, /^features NaN/],
  ])('the rule for groups at %d', (features, message) => expect(() => maxGroups(features)).toThrow(message));
});

const features = (most: number) =>
  fc.oneof(
    fc.integer({ min: 1, max: Math.floor(most / 16) }).map((n) => 16 * n),
    fc.integer({ min: 1, max: most }),
  );
const options: fc.Arbitrary<TransformationOptions> = fc.record({
  inFeatures: features(600),
  projFeatures: features(300),
  outFeatures: features(300),
  depth: fc.integer({ min: 1, max: 12 }),
  widthMultiplier: fc.double({ min: 0.01, max: 5, noNaN: true }),
  maxGroups: fc.oneof(fc.constantFrom(1, 2, 4, 8, 16), fc.integer({ min: 0, max: 40 })),
  define: fc.boolean(),
});

/** The option that is at fault, and the nearest value that is possible. */
function refusal(asked: TransformationOptions): { key: string; nearest: number } | undefined {
  try {
    transformationPlan(asked);
    return undefined;
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_CONFIG' });
    const [, key, nearest] = /^(\w+) .*the nearest possible value is (\d+)$/.exec((error as Error).message)!;
    return { key: key!, nearest: Number(nearest) };
  }
}

test('whatever the options: a plan fits together, or one value is named that is possible', () => {
  const seen = { planned: 0, refused: 0 };
  const check = (asked: TransformationOptions) => {
    const refused = refusal(asked);
    if (refused) {
      seen.refused += 1;
      const { key, nearest } = refused;
      expect(refusal({ ...asked, [key]: nearest })?.key).not.toBe(key);
      return;
    }
    seen.planned += 1;
    const { layers, projFeatures, outFeatures, depth } = transformationPlan(asked);
    expect(layers).toHaveLength(depth);
    expect(layers[0]!.inFeatures).toBe(projFeatures);
    expect(layers.at(-1)!.outFeatures).toBe(outFeatures);
    for (const [index, layer] of layers.entries()) {
      expect([layer.inFeatures % layer.groups, layer.outFeatures % layer.groups]).toEqual([0, 0]);
      expect(layer.groups).toBeLessThanOrEqual(asked.maxGroups);
      if (index > 0) expect(layer.inFeatures).toBe(layers[index - 1]!.outFeatures + projFeatures);
    }
  };
  fc.assert(fc.property(options, check), { numRuns: 150, seed: 1 });
  expect(seen.planned).toBeGreaterThan(20);
  expect(seen.refused).toBeGreaterThan(20);
});

describe('plans of models', () => {
  test('a Transformer has layers of heads and no transformation', () => {
    const config = translationModelConfig({
      ...{ type: 'transformer', hiddenSize: 64, sourceVocabSize: 10, targetVocabSize: 10 },
      encoder: { layers: 2, heads: 4, ffnSize: 128 },
      decoder: { layers: 1 },
    });
    const layer = { type: 'transformer', hiddenSize: 64, heads: 4, ffnSize: 128 };
    expect(encoderPlan(config)).toEqual([layer, layer]);
    expect(decoderPlan(config)).toEqual([layer]);
    expect(embeddingPlan(config)).toBeNull();
  });

  test('the feed-forward network is reduced, rounded down', () => {
    const config = languageModelConfig({
      ...{ type: 'delight', hiddenSize: 64, vocabSize: 10 },
      decoder: { ffnReduction: 3, minDepth: 4, maxDepth: 4, scaling: 'uniform', blocks: 2 },
    });
    expect(decoderPlan(config).map(({ ffnSize }) => ffnSize)).toEqual([21, 21]);
  });
});
