/** Every layer against PyTorch: first values under a seed, outputs, gradients, running statistics, in training and evaluation. */
import { torch, type Tensor } from '../../lib/tensor';
import { cases, construct, loadGolden, run, type LayerCase } from './parity';

let golden: (prefix: string) => Map<string, Tensor>;
beforeAll(async () => {
  golden = await loadGolden();
});

/** Names whose values are not the same, or not there. */
function differences(
  found: ReadonlyMap<string, Tensor>,
  wanted: ReadonlyMap<string, Tensor>,
  tolerance: number,
): string[] {
  const wrong = [...found.keys()].filter((name) => !wanted.has(name)).map((name) => `${name} is not in Python's`);
  for (const [name, expected] of wanted) {
    const actual = found.get(name);
    if (actual === undefined) wrong.push(`${name} is missing`);
    else if (actual.shape.join() !== expected.shape.join())
      wrong.push(`${name}: [${actual.shape.join()}], not [${expected.shape.join()}]`);
    else if (actual.dtype !== expected.dtype) wrong.push(`${name}: ${actual.dtype}, not ${expected.dtype}`);
    else if (!actual.allclose(expected, tolerance, tolerance, true)) {
      wrong.push(`${name}: off by ${actual.sub(expected).abs().max().item()}`);
    }
  }
  return wrong;
}

const title = ({ layer, args, options, keywords }: LayerCase): string => {
  const { dtype: _, ...shown } = options;
  return `${layer} ${JSON.stringify([...args, shown, ...(keywords ? [Object.keys(keywords)] : [])])}`;
};

test.each(cases.map((each, index) => [title(each), each, index] as const))('%s', (_, each, index) => {
  const before = torch.memory().tensors;
  torch.scope(() => {
    torch.manualSeed(each.seed);
    const layer = construct(each);
    const state = golden(`${index}/state/`);
    expect([...layer.stateDict().keys()].sort()).toEqual([...state.keys()].sort());
    expect(differences(layer.stateDict(), state, 0)).toEqual([]);
    layer.loadStateDict(state);

    const tolerance = each.dtype === 'float32' ? 2e-5 : 1e-12;
    expect(differences(run(layer.train(), each), golden(`${index}/train/`), tolerance)).toEqual([]);
    const after = golden(`${index}/after/`);
    const buffers = new Map([...layer.namedBuffers()].filter(([name]) => after.has(name)));
    expect(differences(buffers, after, tolerance)).toEqual([]);

    const evaluated = golden(`${index}/eval/`);
    if (evaluated.size > 0) expect(differences(run(layer.eval(), each), evaluated, tolerance)).toEqual([]);
    layer.dispose();
  });
  expect(torch.memory().tensors).toBe(before);
});
