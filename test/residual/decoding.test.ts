/** Decoding with caches gives what the full forward pass gives, for every variant and every switch. */
import { NativeDecoder } from '../../lib/generation';
import { AdamW } from '../../lib/optim';
import { ResidualLlama, type ModelOptions } from '../../lib/residual';
import { torch, type Dtype, type Tensor } from '../../lib/tensor';

const options: ModelOptions = {
  vocabSize: 23,
  hiddenSize: 16,
  intermediateSize: 24,
  numHiddenLayers: 4,
  numAttentionHeads: 4,
  numKeyValueHeads: 2,
  initializerRange: 0.3,
};

type Residual = NonNullable<ModelOptions['residual']>;
const variants = ['baseline', '1', '2', '3.1', '3.2', '4.1', '4.2'];
const sites = ['mlp', 'attention'] as const;
const weights = ['sum', 'mean', 'learned'] as const;
/** Every switch, by itself and with others, at both sites and with all weights. */
const switched: Residual[] = sites.flatMap((site) =>
  weights.flatMap((weight) => {
    const at = (more: object) => ({ site, weights: weight, ...more }) as Residual;
    return [
      at({ source: 'stored' }),
      at({ source: 'stored', window: 2, mode: 'replace' }),
      at({ window: 1 }),
      at({ window: 2, normSet: 'earlier' }),
      at({ mode: 'replace', normSet: 'earlier' }),
      at({ mode: 'replace', firstLayer: 'none', weightParam: 'free' }),
      ...(site === 'mlp' ? [at({ input: 'mid' }), at({ input: 'mid', window: 2, mode: 'replace' })] : []),
    ];
  }),
);

function create(change: Partial<ModelOptions>, dtype: Dtype = 'float64'): ResidualLlama {
  torch.manualSeed(3);
  const model = ResidualLlama.create({ ...options, ...change }, { dtype });
  // Fresh gains, biases and learned weights are all alike, and would hide what is mixed up.
  torch.noGrad(() => {
    for (const [name, parameter] of model.namedParameters())
      if (/norm|bias|layer_weights/.test(name)) parameter.add_(torch.randn(parameter.shape, { dtype }), { alpha: 0.3 });
  });
  return model;
}

const texts = [0, 1, 2].map((row) =>
  Array.from({ length: 40 }, (_, i) => (i * i + 3 * i + 7 * row) % options.vocabSize),
);

/** Scores after each of a text's tokens, by one pass over it: `[time, vocabSize]`. */
const whole = (model: ResidualLlama, text: readonly number[]): Tensor =>
  model.forward(torch.tensor([text], { dtype: 'int64' })).select(0, 0);

const largest = (a: Tensor, b: Tensor) => a.sub(b).abs().max().item();

interface Row {
  text: readonly number[];
  /** Tokens of its prompt. */
  prompt: number;
}

/** A decoder that is told which tokens come, and looks whether its scores are those of the full pass. */
class Forced {
  worst = 0;
  #time: number;
  #expected: Tensor[];

  private constructor(
    private readonly decoder: NativeDecoder,
    private rows: readonly Row[],
    model: ResidualLlama,
  ) {
    this.#time = Math.max(...rows.map(({ prompt }) => prompt));
    this.#expected = rows.map(({ text }) => whole(model, text));
  }

  static async open(model: ResidualLlama, rows: readonly Row[], capacity: number): Promise<Forced> {
    const longest = Math.max(...rows.map(({ prompt }) => prompt));
    const padding = rows.map(({ prompt }) => longest - prompt);
    const inputs = padding.some(Boolean) ? [torch.tensor(padding, { dtype: 'int64' })] : [];
    const size = { sentences: rows.length, width: 1, capacity, vocabSize: options.vocabSize };
    const decoder = await NativeDecoder.open(model, inputs, size, undefined);
    const forced = new Forced(decoder, rows, model);
    const tokens = rows.flatMap(({ text, prompt }, row) => [
      ...new Array<number>(padding[row]!).fill(0),
      ...text.slice(0, prompt),
    ]);
    await forced.#compare(tokens, null);
    return forced;
  }

  /** So many tokens more of each row, in one step; `order`: the rows that go on. */
  async feed(count: number, order: readonly number[] | null = null): Promise<void> {
    if (order !== null) {
      this.rows = order.map((row) => this.rows[row]!);
      this.#expected = order.map((row) => this.#expected[row]!);
    }
    const longest = this.#time;
    this.rows = this.rows.map(({ text, prompt }) => ({ text, prompt: prompt + count }));
    this.#time = longest + count;
    await this.#compare(
      this.rows.flatMap(({ text, prompt }) => text.slice(prompt - count, prompt)),
      order,
    );
  }

  async #compare(tokens: readonly number[], order: readonly number[] | null): Promise<void> {
    const scores = await this.decoder.scores({
      tokens: Int32Array.from(tokens),
      order: order === null ? null : Int32Array.from(order),
    });
    this.rows.forEach(({ prompt }, row) => {
      const expected = this.#expected[row]!.select(0, prompt - 1);
      this.worst = Math.max(this.worst, largest(scores.select(0, row), expected));
    });
    scores.dispose();
  }

  [Symbol.dispose](): void {
    this.decoder[Symbol.dispose]();
  }
}

/** A prompt, single steps, a step of several tokens, another order of rows, and rows that leave. */
async function worstOf(model: ResidualLlama, prompts = [7, 7, 7], capacity = 11): Promise<number> {
  using forced = await Forced.open(
    model,
    prompts.map((prompt, row) => ({ text: texts[row]!, prompt })),
    capacity,
  );
  await forced.feed(1);
  await forced.feed(1);
  await forced.feed(5);
  await forced.feed(1, [2, 0, 1]);
  await forced.feed(3);
  await forced.feed(1, [1, 2]);
  await forced.feed(1, [1]);
  await forced.feed(4);
  return forced.worst;
}

const title = (residual: Residual) => (typeof residual === 'object' ? JSON.stringify(residual) : String(residual));

test.each([...variants, ...switched].map((residual) => [title(residual), residual] as const))(
  'the scores of the full pass in float64: %s',
  async (_title, residual) => {
    using model = create({ residual });
    expect(await worstOf(model)).toBeLessThan(1e-12);
  },
);

test.each(variants)('prompts of unlike lengths do not see each other: %s', async (residual) => {
  using model = create({ residual });
  expect(await worstOf(model, [2, 9, 5])).toBeLessThan(1e-12);
});

test.each(variants)('the scores of the full pass in float32: %s', async (residual) => {
  using model = create({ residual }, 'float32');
  const scale = whole(model, texts[0]!).abs().max().item();
  expect(await worstOf(model, [2, 9, 5])).toBeLessThan(2e-6 * Math.max(1, scale));
});

test.each(variants)('bfloat16 weights: %s', async (residual) => {
  using model = create({ residual, initializerRange: 0.1 }, 'bfloat16');
  const scale = whole(model, texts[0]!).abs().max().item();
  expect(await worstOf(model, [2, 9, 5])).toBeLessThan(0.03 * scale);
});

test.each<[string, Partial<ModelOptions>]>([
  ['biases', { attentionBias: true, mlpBias: true }],
  ['one key-value head', { numKeyValueHeads: 1 }],
  ['as many key-value heads as heads', { numKeyValueHeads: 4 }],
  ['heads of their own size, tied', { headDim: 6, tieWordEmbeddings: true }],
  ['linear RoPE scaling', { ropeScaling: { type: 'linear', factor: 4 } }],
  [
    'RoPE scaling of Llama 3',
    {
      ropeScaling: {
        type: 'llama3',
        factor: 8,
        lowFreqFactor: 1,
        highFreqFactor: 4,
        originalMaxPositionEmbeddings: 16,
      },
    },
  ],
  ['dynamic RoPE scaling up to its length', { ropeScaling: { type: 'dynamic', factor: 2 }, maxPositionEmbeddings: 40 }],
])('%s', async (_name, change) => {
  for (const residual of ['baseline', '3.2', '4.2']) {
    using model = create({ ...change, residual });
    expect(await worstOf(model, [2, 9, 5])).toBeLessThan(1e-12);
  }
});

test('a long prompt is read in parts, and caches grow beyond the room that was asked for', async () => {
  const text = Array.from({ length: 700 }, (_, i) => (i * i + i) % options.vocabSize);
  using model = create({ residual: '1', numAttentionHeads: 8, numKeyValueHeads: 2 });
  using forced = await Forced.open(model, [{ text, prompt: 640 }], 1);
  await forced.feed(30);
  await forced.feed(1);
  expect(forced.worst).toBeLessThan(1e-12);
});

test('a decoding that begins after a training step has the new weights, and those before share the old ones', async () => {
  using model = create({ residual: '3.2' });
  const before = await worstOf(model);
  const adam = new AdamW(model.parameters(), { lr: 0.05 });
  using held = await Forced.open(model, [{ text: texts[0]!, prompt: 3 }], 8);
  model.loss(torch.tensor(texts, { dtype: 'int64' })).backward();
  adam.step();
  expect(before).toBeLessThan(1e-12);
  expect(held.worst).toBeLessThan(1e-12);
  expect(await worstOf(model)).toBeLessThan(1e-12);
});

test.each([
  ['an order with a row that is not there', [0, 3], 'ERR_ARGUMENT'],
  ['an empty order', [], 'ERR_ARGUMENT'],
] as const)('%s is refused, and the decoding goes on', async (_name, order, code) => {
  using model = create({});
  const rows = texts.map((text) => ({ text, prompt: 3 }));
  using forced = await Forced.open(model, rows, 8);
  const size = { sentences: 3, width: 1, capacity: 8, vocabSize: options.vocabSize };
  using decoder = await NativeDecoder.open(model, [], size, undefined);
  const tokens = Int32Array.from(order, () => 1);
  const scored = decoder.scores({ tokens, order: Int32Array.from(order) });
  await expect(scored).rejects.toMatchObject({ code });
  await forced.feed(1);
  expect(forced.worst).toBeLessThan(1e-12);
});

test.each([
  [[1, 2], 'ERR_ARGUMENT'],
  [[-1, 0, 0], 'ERR_ARGUMENT'],
])('padding %j for three texts is refused', async (padding, code) => {
  using model = create({});
  const size = { sentences: 3, width: 1, capacity: 8, vocabSize: options.vocabSize };
  const opened = NativeDecoder.open(model, [torch.tensor(padding, { dtype: 'int64' })], size, undefined);
  await expect(opened).rejects.toMatchObject({ code });
});
