/** Layers and losses as functions over operators, with PyTorch's names and defaults: `torch.nn.functional`, or `F`. */
import { functionsOf, torch, type TorchOperators } from '../../tensor';
import { activations } from './activations';
import { attention } from './attention';
import { dropouts } from './dropouts';
import { embeddings } from './embeddings';
import type { Functional } from './generated';
import { images } from './images';
import { losses } from './losses';
import { normalizations } from './normalization';
import { pooling } from './pooling';

export type { Functional } from './generated';

export const functionalComposites = [
  ...activations,
  ...dropouts,
  ...embeddings,
  ...images,
  ...losses,
  ...normalizations,
  ...pooling,
  ...attention,
];

/** Those that are operators as they are, by their names here. */
export const functionalAliases = {
  adaptiveAvgPool1d: 'adaptiveAvgPool1d',
  avgPool1d: 'avgPool1d',
  avgPool2d: 'avgPool2d',
  avgPool3d: 'avgPool3d',
  bilinear: 'bilinear',
  celu_: 'celu_',
  channelShuffle: 'channelShuffle',
  conv1d: 'conv1d',
  conv2d: 'conv2d',
  conv3d: 'conv3d',
  convTbc: 'convTbc',
  convTranspose1d: 'convTranspose1d',
  convTranspose2d: 'convTranspose2d',
  convTranspose3d: 'convTranspose3d',
  cosineSimilarity: 'cosineSimilarity',
  gelu: 'gelu',
  glu: 'glu',
  hardshrink: 'hardshrink',
  linear: 'linear',
  logSoftmax: 'logSoftmax',
  logsigmoid: 'logSigmoid',
  nativeChannelShuffle: 'nativeChannelShuffle',
  oneHot: 'oneHot',
  pairwiseDistance: 'pairwiseDistance',
  pdist: 'pdist',
  pixelShuffle: 'pixelShuffle',
  pixelUnshuffle: 'pixelUnshuffle',
  prelu: 'prelu',
  relu_: 'relu_',
  rrelu_: 'rrelu_',
  scaledDotProductAttention: 'scaledDotProductAttention',
  selu_: 'selu_',
  sigmoid: 'sigmoid',
  softmax: 'softmax',
  softplus: 'softplus',
  softshrink: 'softshrink',
  tanh: 'tanh',
  threshold_: 'threshold_',
} as const satisfies Record<string, keyof TorchOperators>;

export const functional = {
  ...functionsOf(functionalComposites, 'F.'),
  ...Object.fromEntries(
    Object.entries(functionalAliases).map(([name, operator]) => [name, Reflect.get(torch, operator) as unknown]),
  ),
} as unknown as Functional;
