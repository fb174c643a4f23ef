/** Layers made or called wrongly: errors that name the layer and the argument. */
import * as nn from '../../lib/nn';
import { torch, type Tensor } from '../../lib/tensor';

function thrown(fn: () => unknown): { code: string; message: string; stack: string } {
  try {
    fn();
  } catch (error) {
    return error as { code: string; message: string; stack: string };
  }
  throw new Error('nothing was thrown');
}

const make = nn as unknown as Record<string, new (...values: unknown[]) => nn.Module>;

test.each<[layer: string, values: unknown[], code: string, named: RegExp]>([
  ['Linear', [0, 2], 'ERR_SHAPE', /inFeatures/],
  ['Linear', ['2', 2], 'ERR_SHAPE', /inFeatures/],
  ['Linear', [2], 'ERR_SHAPE', /outFeatures/],
  ['Linear', [2, 2, null], 'ERR_ARGUMENT', /options/],
  ['Linear', [2, 2, false], 'ERR_ARGUMENT', /options/],
  ['Linear', [2, 2, { biased: true }], 'ERR_ARGUMENT', /"biased"; did you mean "bias"/],
  ['Linear', [2, 2, { bias: 'no' }], 'ERR_ARGUMENT', /bias must be a boolean/],
  ['Linear', [2, 2, { dtype: 'float' }], 'ERR_DTYPE', /float/],
  ['Linear', [2, 2, { device: 'gpu' }], 'ERR_DEVICE', /gpu/],
  ['Bilinear', [2, 2], 'ERR_SHAPE', /outFeatures/],
  ['Embedding', [3, 2, { paddingIdx: 3 }], 'ERR_SHAPE', /paddingIdx 3/],
  ['EmbeddingBag', [3, 2, { mode: 'min' }], 'ERR_ARGUMENT', /mode/],
  ['LayerNorm', [[]], 'ERR_SHAPE', /normalizedShape/],
  ['RMSNorm', [2, { eps: 'small' }], 'ERR_ARGUMENT', /eps/],
  ['GroupNorm', [3, 4], 'ERR_SHAPE', /numGroups/],
  ['BatchNorm2d', [2, { momentum: 2 }], 'ERR_ARGUMENT', /momentum/],
  ['InstanceNorm1d', [-1], 'ERR_SHAPE', /numFeatures/],
  ['Conv2d', [3, 4], 'ERR_SHAPE', /kernelSize/],
  ['Conv2d', [3, 4, [3, 3, 3]], 'ERR_SHAPE', /kernelSize/],
  ['Conv2d', [3, 4, 3, 1], 'ERR_ARGUMENT', /options/],
  ['Conv2d', [3, 4, 3, { groups: 2 }], 'ERR_SHAPE', /groups/],
  ['Conv2d', [3, 4, 3, { padding: 'full' }], 'ERR_ARGUMENT', /padding/],
  ['Conv2d', [3, 4, 3, { padding: 'same', stride: 2 }], 'ERR_SHAPE', /padding "same"/],
  ['Conv2d', [3, 4, 3, { paddingMode: 'mirror' }], 'ERR_ARGUMENT', /paddingMode/],
  ['ConvTranspose1d', [3, 4, 3, { paddingMode: 'reflect' }], 'ERR_ARGUMENT', /paddingMode/],
  ['MaxPool2d', [], 'ERR_SHAPE', /kernelSize/],
  ['AvgPool1d', [2, { divisorOverride: 3 }], 'ERR_ARGUMENT', /divisorOverride/],
  ['AdaptiveAvgPool2d', [[1, 2, 3]], 'ERR_SHAPE', /outputSize/],
  ['FractionalMaxPool2d', [2], 'ERR_ARGUMENT', /outputSize.*outputRatio/],
  ['LPPool2d', [NaN, 2], 'ERR_ARGUMENT', /normType/],
  ['ZeroPad2d', [[1, 2]], 'ERR_SHAPE', /padding/],
  ['ConstantPad1d', [1], 'ERR_ARGUMENT', /value/],
  ['Upsample', [], 'ERR_ARGUMENT', /size.*scaleFactor/],
  ['PixelShuffle', [1.5], 'ERR_SHAPE', /upscaleFactor/],
  ['Unflatten', [1, 6], 'ERR_ARGUMENT', /unflattenedSize/],
  ['ReLU', [{ inPlace: true }], 'ERR_ARGUMENT', /did you mean "inplace"/],
  ['ELU', ['much'], 'ERR_ARGUMENT', /alpha/],
  ['ELU', [1, { alpha: 2 }], 'ERR_ARGUMENT', /alpha is given twice/],
  ['Softmax', [], 'ERR_ARGUMENT', /dim/],
  ['GELU', ['exact'], 'ERR_ARGUMENT', /approximate/],
  ['Threshold', [1], 'ERR_ARGUMENT', /value/],
  ['Dropout', [1.5], 'ERR_ARGUMENT', /p must be a probability/],
  ['Dropout', [0.5, { inplace: 1 }], 'ERR_ARGUMENT', /inplace/],
  ['LSTM', [3, 4, { projSize: 4 }], 'ERR_SHAPE', /projSize/],
  ['GRU', [3, 4, { projSize: 2 }], 'ERR_ARGUMENT', /projSize/],
  ['RNN', [3, 4, { nonlinearity: 'gelu' }], 'ERR_ARGUMENT', /nonlinearity/],
  ['RNN', [3, 4, { dropout: -1 }], 'ERR_ARGUMENT', /dropout/],
  ['MultiheadAttention', [6, 4], 'ERR_SHAPE', /numHeads/],
  ['TransformerEncoderLayer', [6, 2, { activation: 'tanh' }], 'ERR_ARGUMENT', /activation/],
  ['TransformerEncoder', [undefined, 2], 'ERR_ARGUMENT', /TransformerEncoder: the layer/],
  ['Transformer', [{ heads: 2 }], 'ERR_ARGUMENT', /"heads"/],
  ['MaxPool2d', [2, 2], 'ERR_ARGUMENT', /options/],
  ['CrossEntropyLoss', [torch.ones([3])], 'ERR_ARGUMENT', /options must be an object/],
  ['MSELoss', [{ reduction: 'avg' }], 'ERR_ARGUMENT', /reduction/],
  ['CrossEntropyLoss', [{ ignoreIndx: 1 }], 'ERR_ARGUMENT', /ignoreIndex/],
  ['MultiMarginLoss', [{ p: 3 }], 'ERR_ARGUMENT', /p must be 1 or 2/],
  ['AdaptiveLogSoftmaxWithLoss', [8, 10, [7, 4]], 'ERR_SHAPE', /cutoffs/],
])('%s(%j) is refused', (layer, values, code, named) => {
  const error = thrown(() => new make[layer]!(...values));
  expect([error.code, error.message]).toEqual([code, expect.stringMatching(named)]);
  expect(error.message).toContain(layer);
});

const ones = (...shape: number[]): Tensor => torch.ones(shape);

test.each<[name: string, call: () => unknown, code: string, named: RegExp]>([
  [
    'Linear',
    () => new nn.Linear(4, 2).forward(ones(2, 3)),
    'ERR_SHAPE',
    /Linear\(inFeatures=4.*\n {2}input: .*\[2, 3\]/s,
  ],
  ['Linear', () => new nn.Linear(4, 2).forward([1, 2] as never), 'ERR_ARGUMENT', /Linear\(.*input must be a tensor/],
  ['Linear', () => new nn.Linear(4, 2).forward(undefined as never), 'ERR_ARGUMENT', /input must be a tensor/],
  ['Embedding', () => new nn.Embedding(4, 2).forward(ones(2)), 'ERR_DTYPE', /Embedding\(/],
  ['Conv2d', () => new nn.Conv2d(3, 2, 3).forward(ones(5, 5)), 'ERR_SHAPE', /Conv2d\(.*\[5, 5\]/s],
  ['Conv2d', () => new nn.Conv2d(3, 2, 3).forward(ones(2, 4, 5, 5)), 'ERR_SHAPE', /Conv2d\(.*\[2, 4, 5, 5\]/s],
  [
    'ConvTranspose2d',
    () => new nn.ConvTranspose2d(3, 2, 3).forward(ones(1, 3, 4, 4), [9, 9]),
    'ERR_SHAPE',
    /outputSize/,
  ],
  ['BatchNorm1d', () => new nn.BatchNorm1d(3).forward(ones(2, 3, 4, 4)), 'ERR_SHAPE', /2 or 3 dimensions/],
  ['BatchNorm1d', () => new nn.BatchNorm1d(3).forward(ones(1, 3)), 'ERR_SHAPE', /more than one value/],
  ['InstanceNorm2d', () => new nn.InstanceNorm2d(3).forward(ones(2, 3)), 'ERR_SHAPE', /3 or 4 dimensions/],
  ['LayerNorm', () => new nn.LayerNorm(4).forward(ones(2, 3)), 'ERR_SHAPE', /LayerNorm\(/],
  ['MaxPool2d', () => new nn.MaxPool2d(2).forward(ones(4)), 'ERR_SHAPE', /MaxPool2d\(/],
  ['Softmax2d', () => new nn.Softmax2d().forward(ones(4)), 'ERR_SHAPE', /3 or 4 dimensions/],
  ['Dropout1d', () => new nn.Dropout1d().forward(ones(4)), 'ERR_SHAPE', /Dropout1d\(/],
  ['LSTM', () => new nn.LSTM(3, 4).forward(ones(5, 2, 4)), 'ERR_SHAPE', /inputSize \(3\), not 4/],
  ['LSTM', () => new nn.LSTM(3, 4).forward(ones(3)), 'ERR_SHAPE', /2 or 3 dimensions/],
  [
    'LSTM',
    () => new nn.LSTM(3, 4).forward(ones(5, 2, 3), [ones(1, 2, 4), ones(1, 1, 4)]),
    'ERR_SHAPE',
    /\[1, 2, 4\], not \[1, 1, 4\]/,
  ],
  ['LSTM', () => new nn.LSTM(3, 4).forward(ones(5, 2, 3), ones(1, 2, 4) as never), 'ERR_ARGUMENT', /state/],
  ['GRU', () => new nn.GRU(3, 4).forward('x' as never), 'ERR_ARGUMENT', /tensor/],
  ['GRUCell', () => new nn.GRUCell(3, 4).forward(ones(1, 2, 3)), 'ERR_SHAPE', /1 or 2 dimensions/],
  [
    'MultiheadAttention',
    () => new nn.MultiheadAttention(4, 2).forward(ones(3, 4), ones(3, 1, 4), ones(3, 4)),
    'ERR_SHAPE',
    /3 dimensions/,
  ],
  [
    'MultiheadAttention',
    () => new nn.MultiheadAttention(4, 2).forward(ones(3, 4), ones(3, 4), ones(3, 4), { attnMask: ones(2, 2) }),
    'ERR_SHAPE',
    /attnMask.*\[3, 3\]/,
  ],
  [
    'MultiheadAttention',
    () => new nn.MultiheadAttention(4, 2).forward(ones(3, 4), ones(3, 4), ones(3, 4), { mask: ones(3, 3) } as never),
    'ERR_ARGUMENT',
    /"mask"/,
  ],
  [
    'MultiheadAttention',
    () => new nn.MultiheadAttention(4, 2).forward(ones(3, 4), ones(3, 4), ones(3, 4), { isCausal: true }),
    'ERR_ARGUMENT',
    /isCausal/,
  ],
  [
    'MultiheadAttention',
    () =>
      new nn.MultiheadAttention(4, 2).forward(ones(3, 4), ones(3, 4), ones(3, 4), {
        keyPaddingMask: torch.ones([3], { dtype: 'int64' }),
      }),
    'ERR_DTYPE',
    /keyPaddingMask/,
  ],
  [
    'MultiheadAttention',
    () => new nn.MultiheadAttention(4, 2).forward(ones(3, 4), ones(3, 4), ones(3, 4), ones(3) as never),
    'ERR_ARGUMENT',
    /options must be an object/,
  ],
  [
    'Transformer',
    () => new nn.Transformer({ dModel: 4, nhead: 2 }).forward(ones(3, 1, 4), ones(3, 2, 4)),
    'ERR_SHAPE',
    /same batch/,
  ],
  ['MSELoss', () => new nn.MSELoss().forward(ones(2, 1), ones(2)), 'ERR_SHAPE', /MSELoss\(/],
  [
    'CrossEntropyLoss',
    () => new nn.CrossEntropyLoss().forward(ones(2, 3), undefined as never),
    'ERR_ARGUMENT',
    /CrossEntropyLoss\(/,
  ],
  [
    'AdaptiveLogSoftmaxWithLoss',
    () => new nn.AdaptiveLogSoftmaxWithLoss(8, 6, [2]).forward(ones(1, 8), torch.tensor([6], { dtype: 'int64' })),
    'ERR_SHAPE',
    /0 to 5/,
  ],
])('%s called wrongly', (_, call, code, named) => {
  const error = thrown(call);
  expect([error.code, error.message]).toEqual([code, expect.stringMatching(named)]);
  expect(error.stack).toContain(error.message.split('\n')[0]);
});
