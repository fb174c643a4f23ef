/** What a decoder has learned about its layers: how strongly each enters the sums of later ones. */
import { ArgumentError } from '../errors';
import type { LayerMix } from '../metrics';
import { scope } from '../tensor';
import { ResidualLlama } from './model';

export type { LayerMix };

/** The learned weights, layer by layer, as they act (after the softmax); none for variants that learn none. */
export async function layerWeights(model: ResidualLlama): Promise<LayerMix[]> {
  if (!(model instanceof ResidualLlama)) throw new ArgumentError('layerWeights takes a ResidualLlama.');
  const { weights, weightParam, normSet } = model.config.residual;
  if (weights !== 'learned') return [];
  const mixes: LayerMix[] = [];
  for (const [name, parameter] of model.namedParameters()) {
    const layer = /^model\.layers\.(\d+)\.modified_residual_(?:mlp|attn)\.layer_weights$/.exec(name)?.[1];
    if (layer === undefined) continue;
    const values = await scope(async () => {
      const raw = parameter.detach().to('float64');
      const acting = weightParam === 'softmax' ? raw.softmax(0) : raw;
      return Array.from(await acting.data());
    });
    // Outside the norm, the layer's own output is added as it is.
    const all = normSet === 'earlier' ? [...values, 1] : values;
    mixes.push({ layer: Number(layer), first: Number(layer) + 1 - all.length, weights: all });
  }
  return mixes.sort((a, b) => a.layer - b.layer);
}
