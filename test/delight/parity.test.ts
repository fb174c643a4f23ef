import fs from 'node:fs';
import path from 'node:path';

import { parityCases } from '../../lib/delight';
import { farthest, passes, type Measurement, type ParityDtype } from '../../lib/parity';
import { loadSafetensors, saveSafetensors, type Tensor } from '../../lib/tensor';
import { temporaryFolder } from '../train/tokens';
import { goldenFolder, readIndex, type Entry } from './golden';

const index = readIndex();
const tensorCases = parityCases({ files: index.files }, '/nowhere')!.map(({ name }) => name);

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

async function run(content: Entry, from: string, name: string, dtype: ParityDtype = 'float64'): Promise<Measurement[]> {
  const [only] = parityCases({ files: { [`${name}.safetensors`]: content } }, from)!;
  return only!.run({ dtype, device: 'cpu' });
}
const failed = (measured: Measurement[]) => measured.filter((each) => !passes(each)).map(({ what }) => what);

test('the fixtures hold every kind', () => {
  const kinds = new Set(Object.values(index.files).map(({ kind }) => kind));
  expect(kinds.size).toBe(15);
});

test.each(tensorCases)('%s', async (name) => {
  for (const dtype of ['float64', 'float32'] as const) {
    const measured = await run(index.files[`${name}.safetensors`]!, goldenFolder, name, dtype);
    expect({ worst: farthest(measured), failed: failed(measured) }).toEqual({ worst: farthest(measured), failed: [] });
    expect(measured.length).toBeGreaterThan(0);
  }
});

test.each(['transformer_postnorm_shared', 'transformer_prenorm_untied'])(
  "%s, made of PyTorch's layers",
  async (name) => {
    const folder = path.resolve(goldenFolder, '../transformer');
    const { files } = JSON.parse(fs.readFileSync(path.join(folder, 'index.json'), 'utf8')) as typeof index;
    for (const dtype of ['float64', 'float32'] as const) {
      expect(failed(await run(files[`${name}.safetensors`]!, folder, name, dtype))).toEqual([]);
    }
  },
);

test('tables that lie beside the index are compared', async () => {
  const cases = parityCases(index, goldenFolder)!.filter(({ name }) => name.includes('.json/'));
  expect(cases.length).toBeGreaterThan(30);
  for (const each of cases) expect(failed(await each.run({ dtype: 'float64', device: 'cpu' }))).toEqual([]);
});

test.each([
  ['a list', []],
  ['nothing', null],
  ['no files', { cases: [] }],
  ['files of no kind', { files: { a: {}, b: 3 } }],
])('an index with %s is of another form', (_name, content) => {
  expect(parityCases(content, goldenFolder)).toBeUndefined();
});

type Change = (entry: Entry) => Entry;
const config =
  (change: object): Change =>
  (entry) => ({ ...entry, config: { ...(entry.config as object), ...change } });
const beams =
  (change: (hypotheses: { tokens: number[]; score: number }[]) => void): Change =>
  (entry) => {
    const searches = structuredClone(entry.beam_search) as { hypos: { tokens: number[]; score: number }[][] }[];
    change(searches[1]!.hypos[0]!);
    return { ...entry, beam_search: searches };
  };

/** Entries that say something wrong, and which comparison must notice. */
test.each<[string, string, Change, RegExp]>([
  ['another shuffle', 'glt_shuffle', config({ shuffle: false }), /out\.y/],
  ['another activation', 'glt_shuffle_ln_swish', config({ act_type: 'gelu' }), /out\.y/],
  ['a mix without shuffling', 'dextra_d64_n3', config({ glt_shuffle: false }), /out\.y/],
  ['norms in another place', 'enc_layer_prenorm', config({ encoder_normalize_before: false }), /out\.y/],
  ['embeddings without scale', 'dextra_emb_standard', config({ no_scale_embedding: true }), /out\.y/],
  ['another label smoothing', 'nmt_small_shared', (entry) => ({ ...entry, label_smoothing: 0.2 }), /out\.loss/],
  ['another number of parameters', 'nmt_small_shared', (entry) => ({ ...entry, num_parameters: 7 }), /parameters/],
  ['another translation', 'nmt_small_shared', beams(([first]) => (first!.tokens[0] = 5)), /beam search of 5: tokens/],
  ['another score', 'nmt_small_shared', beams(([first]) => (first!.score += 0.01)), /beam search of 5, score/],
  ['another size of a layer', 'dextra_d64_n3', (entry) => ({ ...entry, layers: [] }), /sizes/],
])('%s fails', async (_name, name, change, noticed) => {
  const measured = await run(change(index.files[`${name}.safetensors`]!), goldenFolder, name);
  expect(failed(measured).join('; ')).toMatch(noticed);
});

test.each<[string, string, Change, RegExp]>([
  ['another kind', 'glt_plain', (entry) => ({ ...entry, kind: 'convolution' }), /there is no kind convolution/],
  ['no tolerance', 'glt_plain', ({ tolerance: _none, ...entry }) => entry, /tolerance/],
  ['a tolerance of nothing', 'glt_plain', (entry) => ({ ...entry, tolerance: {} }), /its tolerance says nothing/],
  ['no probed output', 'glt_plain', ({ probed_output: _none, ...entry }) => entry, /probed_output/],
  ['a config that is none', 'dextra_d64_n3', (entry) => ({ ...entry, config: 'small' }), /config/],
  ['groups that do not divide', 'glt_plain', config({ groups: 7 }), /./],
  ['weights of another shape', 'dextra_d64_n3', config({ dextra_depth: 4 }), /does not fit/],
  ['sizes beyond all memory', 'lm_small_plain', (entry) => ({ ...entry, vocab: 2 ** 31 - 1 }), /need .* GiB/],
  [
    'sides that normalise differently',
    'nmt_small_shared',
    config({ encoder_normalize_before: true }),
    /normalize_before/,
  ],
])('%s cannot be run, and says so', async (_name, name, change, message) => {
  const content = change(index.files[`${name}.safetensors`]!);
  await expect(run(content, goldenFolder, name)).rejects.toThrow(message);
});

/** A golden file with its tensors changed, in a folder of its own. */
async function changed(name: string, change: (tensors: Map<string, Tensor>) => void): Promise<void> {
  const tensors = await loadSafetensors(path.join(goldenFolder, `${name}.safetensors`));
  change(tensors);
  await saveSafetensors(path.join(folder, `${name}.safetensors`), tensors);
}

test.each<[string, string, RegExp]>([
  ['an output', 'out64.y', /out\.y/],
  ['a loss', 'loss64', /loss/],
  ['a gradient of a weight', 'grad.w.weights', /grad\.w\.weights/],
  ['a gradient of an input', 'grad64.in.x', /grad\.in\.x/],
])('%s that is a little off fails', async (_name, tensor, noticed) => {
  await changed('glt_shuffle', (tensors) => tensors.set(tensor, tensors.get(tensor)!.mul(1.01)));
  expect(failed(await run(index.files['glt_shuffle.safetensors']!, folder, 'glt_shuffle')).join()).toMatch(noticed);
});

test('a golden value that nothing computes does not pass unseen', async () => {
  await changed('glt_shuffle', (tensors) => tensors.set('out.z', tensors.get('out.y')!));
  const running = run(index.files['glt_shuffle.safetensors']!, folder, 'glt_shuffle');
  await expect(running).rejects.toThrow(/nothing computes out\.z/);
});

test('a file that is missing, damaged or elsewhere is named', async () => {
  const entry = index.files['glt_shuffle.safetensors']!;
  await expect(run(entry, folder, 'glt_shuffle')).rejects.toThrow(/no file .*glt_shuffle/);
  fs.writeFileSync(path.join(folder, 'glt_shuffle.safetensors'), 'damaged');
  await expect(run(entry, folder, 'glt_shuffle')).rejects.toThrow(/not a safetensors file/);
  await expect(run(entry, folder, '../../glt_shuffle')).rejects.toThrow(/same folder/);
});
