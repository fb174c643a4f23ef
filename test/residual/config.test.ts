import { parseConfig } from '../../lib/config';
import { modelSchema, residualSchema, residualTitle, type ModelOptions } from '../../lib/residual/config';
import { countParameters } from '../../lib/residual/parameters';

const small: ModelOptions = { vocabSize: 101, hiddenSize: 32, numHiddenLayers: 4, numAttentionHeads: 4 };
const parse = (options: object) => parseConfig({ ...small, ...options }, modelSchema, 'model');

test('sizes that are left out are derived', () => {
  expect(parse({})).toMatchObject({
    numKeyValueHeads: 4,
    headDim: 8,
    intermediateSize: 96,
    rmsNormEps: 1e-5,
    tieWordEmbeddings: false,
  });
});

test('the default residual reproduces the note: kept, all earlier layers, the mean over all terms', () => {
  expect(parse({ residual: '3.2' }).residual).toEqual({
    site: 'mlp',
    weights: 'learned',
    source: 'recomputed',
    mode: 'add',
    firstLayer: 'standard',
    input: 'layer',
    window: 0,
    normSet: 'with_current',
    weightParam: 'softmax',
    detachProbs: false,
  });
});

test.each([
  [{ numAttentionHeads: 5 }, /5 heads do not divide hiddenSize 32/],
  [{ numKeyValueHeads: 3 }, /3 key\/value heads do not divide 4 attention heads/],
  [{ headDim: 7 }, /a head of 7 channels/],
  [{ hiddenSize: 12 }, /a head of 3 channels/],
  [{ hiddenSize: 0 }, /hiddenSize/],
  [{ vocabSize: -1 }, /vocabSize/],
  [{ numHiddenLayers: 2.5 }, /numHiddenLayers/],
  [{ numHiddenLayers: '4' }, /numHiddenLayers/],
  [{ hidenSize: 32 }, /hidenSize unknown key; did you mean hiddenSize/],
  [{ attentionDropout: 0.1 }, /attentionDropout/],
  [{ ropeTheta: Infinity }, /ropeTheta/],
  [{ residual: '5' }, /"5" names no residual variant/],
  [{ residual: { site: 'ffn' } }, /residual.site/],
  [{ residual: { site: 'attention', input: 'mid' } }, /residual.input/],
  [{ residual: { window: -1 } }, /residual.window/],
  [{ residual: { site: 'mlp', source: 'kept' } }, /residual.source/],
  [{ residual: { site: 'mlp', source: 'stored', input: 'mid' } }, /residual.input.*stored/],
  [{ residual: { site: 'attention', source: 'stored', detachProbs: true } }, /residual.detachProbs.*stored/],
])('%j is refused', (options, message) => {
  expect(() => parse(options)).toThrow(
    expect.objectContaining({ code: 'ERR_CONFIG', message: expect.stringMatching(message) }),
  );
});

test('a resolved configuration is itself a configuration', () => {
  const resolved = parse({ residual: { site: 'mlp', weights: 'sum', mode: 'replace' }, headDim: 16 });
  expect(parseConfig(resolved, modelSchema, 'model')).toEqual(resolved);
});

test.each([
  ['3.2', 'Method 3.2'],
  [{ site: 'mlp', weights: 'learned', source: 'stored' }, 'Method 3.2 (stored)'],
  ['baseline', 'Baseline'],
  [{ site: 'mlp', weights: 'sum', mode: 'replace', window: 2 }, 'Method 1 (replace, window 2)'],
  [{ site: 'none', mode: 'replace' }, 'Baseline'],
  [{ site: 'mlp', weights: 'sum', normSet: 'earlier', weightParam: 'free' }, 'Method 1'],
  [
    { site: 'attention', weights: 'learned', normSet: 'earlier', weightParam: 'free', detachProbs: true },
    'Method 4.2 (earlier, free, detach)',
  ],
])('%j has the title %s', (residual, title) => {
  expect(residualTitle(residualSchema.parse(residual))).toBe(title);
});

test("the note's shape has 35,267,072 parameters outside the embedding", () => {
  const note = parse({
    vocabSize: 32000,
    hiddenSize: 512,
    intermediateSize: 1024,
    numHiddenLayers: 8,
    numAttentionHeads: 8,
    numKeyValueHeads: 4,
  });
  expect(countParameters(note) - 32000 * 512).toBe(35_267_072);
  // (L - 1)(L + 2) / 2 learned weights for 8 layers.
  expect(countParameters({ ...note, residual: residualSchema.parse('3.2') }) - countParameters(note)).toBe(35);
});
