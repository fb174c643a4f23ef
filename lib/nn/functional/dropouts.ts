/** Dropout: of elements, of channels, and for self-normalising networks. */
import { ArgumentError, ShapeError } from '../../errors';
import { composite, torch, type Composite, type Tensor } from '../../tensor';

function checkProbability(name: string, p: number): void {
  if (!(p >= 0 && p <= 1)) throw new ArgumentError(`F.${name}: p is a probability, from 0 to 1, not ${p}.`);
}

type Drop = (input: Tensor, p: number, training: boolean) => Tensor;

function dropping(name: string, training: 'True' | 'False', doc: string, fresh: Drop, inPlace: Drop): Composite {
  return composite({
    signature: `${name}(Tensor input, float p=0.5, bool training=${training}, bool inplace=False) -> Tensor`,
    doc,
    run: (input: Tensor, p: number, active: boolean, inplace: boolean) => {
      checkProbability(name, p);
      return (inplace ? inPlace : fresh)(input, p, active);
    },
  });
}

/** Drops whole channels of `[batch, channel, ...]`; a missing batch dimension is lent where `unbatched` dimensions say so. */
function channels(name: string, doc: string, batched: number, unbatched: number | undefined): Composite {
  const drop =
    (inner: Drop): Drop =>
    (input, p, training) => {
      if (input.ndim === unbatched) return inner(input.unsqueeze(0), p, training).squeeze(0);
      if (input.ndim < 2 || (unbatched !== undefined && input.ndim !== batched)) {
        throw new ShapeError(
          `F.${name}: the input needs ${batched} dimensions; it has shape [${input.shape.join(', ')}].`,
        );
      }
      return inner(input, p, training);
    };
  return dropping(
    ...([name, 'True', doc] as const),
    drop((input, p, training) => torch.featureDropout(input, p, training)),
    (input, p, training) => {
      drop((view) => view.featureDropout_(p, training))(input, p, training);
      return input;
    },
  );
}

export const dropouts = [
  dropping(
    ...([
      'dropout',
      'True',
      'Zeroes elements with probability `p` and scales the others by 1 / (1 - p), in training only.',
    ] as const),
    (input, p, training) => torch.dropout(input, p, training),
    (input, p, training) => input.dropout_(p, training),
  ),
  dropping(
    ...(['alphaDropout', 'False', 'Dropout that keeps mean 0 and variance 1, for SELU.'] as const),
    (input, p, training) => torch.alphaDropout(input, p, training),
    (input, p, training) => input.alphaDropout_(p, training),
  ),
  dropping(
    ...(['featureAlphaDropout', 'False', 'alphaDropout of whole channels.'] as const),
    (input, p, training) => torch.featureAlphaDropout(input, p, training),
    (input, p, training) => input.featureAlphaDropout_(p, training),
  ),
  channels('dropout1d', 'Zeroes whole channels of `[batch, channel, length]` or `[channel, length]`.', 3, 2),
  channels('dropout2d', 'Zeroes whole channels of `[batch, channel, height, width]`.', 4, undefined),
  channels(
    'dropout3d',
    'Zeroes whole channels of `[batch, channel, depth, height, width]` or without the batch.',
    5,
    4,
  ),
];
