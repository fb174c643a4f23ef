/**
 * The decoder written plainly in TypeScript operators: the definition, one small chain of operators for each pair of layers. Reads
 * a model's parameters, so gradients of the loss reach them.
 */
import type { ModelConfig } from '../../lib/residual';
import { torch, type Tensor } from '../../lib/tensor';

type Parameters = Map<string, Tensor>;

/** What one layer computes from a stream `[batch, time, hidden]`. */
class PlainLayer {
  constructor(
    readonly index: number,
    private readonly config: ModelConfig,
    private readonly all: Parameters,
  ) {}

  private parameter(name: string): Tensor {
    return this.all.get(`model.layers.${this.index}.${name}`)!;
  }

  private linear(x: Tensor, name: string): Tensor {
    const product = x.matmul(this.parameter(`${name}.weight`).transpose(0, 1));
    const bias = this.all.get(`model.layers.${this.index}.${name}.bias`);
    return bias ? product.add(bias) : product;
  }

  private norm(x: Tensor, name: string): Tensor {
    return rmsNorm(x, this.parameter(`${name}.weight`), this.config.rmsNormEps);
  }

  /** `[batch, heads, time, headDim]`, key-value heads repeated for the heads that share them. */
  private heads(x: Tensor, name: string): Tensor {
    const { headDim, numAttentionHeads } = this.config;
    const split = this.linear(x, name).view([x.shape[0]!, x.shape[1]!, -1, headDim]).transpose(1, 2);
    return split.repeatInterleave(numAttentionHeads / split.shape[1]!, 1);
  }

  probabilities(h: Tensor): Tensor {
    const x = this.norm(h, 'input_layernorm');
    const [q, k] = ['self_attn.q_proj', 'self_attn.k_proj'].map((name) => rotate(this.heads(x, name), this.config));
    const time = h.shape[1]!;
    const future = torch.ones([time, time], { dtype: 'bool' }).triu(1);
    const scores = q!.matmul(k!.transpose(2, 3)).mul(this.config.headDim ** -0.5);
    return scores.maskedFill(future, -Infinity).softmax(-1);
  }

  /** The attention's output on a stream, with given probabilities. */
  attention(stream: Tensor, probabilities: Tensor): Tensor {
    const values = this.heads(this.norm(stream, 'input_layernorm'), 'self_attn.v_proj');
    return this.linear(probabilities.matmul(values).transpose(1, 2).flatten(2), 'self_attn.o_proj');
  }

  feedForward(stream: Tensor): Tensor {
    const x = this.norm(stream, 'post_attention_layernorm');
    const gate = this.linear(x, 'mlp.gate_proj');
    return this.linear(gate.mul(gate.sigmoid()).mul(this.linear(x, 'mlp.up_proj')), 'mlp.down_proj');
  }

  /** Weights of `earlier` earlier layers and, last, of this one. */
  weights(earlier: number): (Tensor | number)[] {
    const { site, weights, normSet, weightParam } = this.config.residual;
    if (weights === 'sum') return Array<number>(earlier + 1).fill(1);
    const shared = earlier + (normSet === 'with_current' ? 1 : 0);
    const rest = shared === earlier ? [1] : [];
    if (weights === 'mean') return [...Array<number>(shared).fill(1 / shared), ...rest];
    const learned = this.parameter(`modified_residual_${site === 'mlp' ? 'mlp' : 'attn'}.layer_weights`);
    const mixed = weightParam === 'free' ? learned : learned.softmax(0);
    return [...Array.from({ length: shared }, (_, i) => mixed.select(0, i)), ...rest];
  }
}

const times = (x: Tensor, weight: Tensor | number) => (typeof weight === 'number' ? x.mul(weight) : x.mul(weight));

function rmsNorm(x: Tensor, gain: Tensor, eps: number): Tensor {
  return x.mul(x.square().mean(-1, true).add(eps).rsqrt()).mul(gain);
}

/** Tables in float32 whatever the dtype, as Hugging Face makes them. */
function rotate(x: Tensor, { headDim, ropeTheta }: ModelConfig): Tensor {
  const half = headDim / 2;
  const frequencies = torch.pow(ropeTheta, torch.arange(0, headDim, 2, { dtype: 'float32' }).div(headDim)).reciprocal();
  const angles = torch.outer(torch.arange(x.shape[2]!, { dtype: 'float32' }), frequencies);
  const [cos, sin] = [angles.cos().to({ dtype: x.dtype }), angles.sin().to({ dtype: x.dtype })];
  const [first, second] = [x.narrow(3, 0, half), x.narrow(3, half, half)];
  return torch.cat([first.mul(cos).sub(second.mul(sin)), second.mul(cos).add(first.mul(sin))], -1);
}

/** The mean cross-entropy of `logits[:, :-1]` against `ids[:, 1:]`, and the logits. */
export function plainDecoder(
  config: ModelConfig,
  named: Iterable<[string, Tensor]>,
  ids: Tensor,
): { logits: Tensor; loss: Tensor } {
  const parameters: Parameters = new Map(named);
  const { residual } = config;
  const embedding = parameters.get('model.embed_tokens.weight')!;
  const layers = Array.from({ length: config.numHiddenLayers }, (_, i) => new PlainLayer(i, config, parameters));
  const kept: Tensor[] = [];
  /** What each layer's own attention and feed-forward part gave when it ran. */
  const stored: { attention: Tensor; mlp: Tensor }[] = [];
  let h = torch.embedding(embedding, ids);
  for (const layer of layers) {
    const l = layer.index;
    const first = residual.site === 'none' ? l : residual.window === 0 ? 0 : Math.max(0, l - residual.window);
    const earlier = layers.slice(first, l);
    const w = earlier.length === 0 ? [1] : layer.weights(earlier.length);
    const replaces =
      residual.site !== 'none' && residual.mode === 'replace' && (l > 0 || residual.firstLayer === 'none');
    /** `base + w_l own + sum of the earlier layers' terms`, without the base where the sum replaces it. */
    const mix = (base: Tensor, own: Tensor, term: (j: number) => Tensor) =>
      earlier.reduce(
        (sum, { index }, i) => sum.add(times(term(index), w[i]!)),
        replaces ? times(own, w.at(-1)!) : base.add(times(own, w.at(-1)!)),
      );
    const probabilities = layer.probabilities(h);
    kept.push(residual.detachProbs ? probabilities.detach() : probabilities);
    const attention = layer.attention(h, probabilities);
    const input = h;
    const recomputed = residual.source === 'recomputed';
    const u =
      residual.site === 'attention'
        ? mix(h, attention, (j) => (recomputed ? layers[j]!.attention(input, kept[j]!) : stored[j]!.attention))
        : h.add(attention);
    const mlp = layer.feedForward(u);
    stored.push({ attention, mlp });
    const x = residual.input === 'mid' ? u : h;
    h =
      residual.site === 'mlp'
        ? mix(u, mlp, (j) =>
            recomputed ? layers[j]!.feedForward(x.add(layers[j]!.attention(x, kept[j]!))) : stored[j]!.mlp,
          )
        : u.add(mlp);
  }
  const normed = rmsNorm(h, parameters.get('model.norm.weight')!, config.rmsNormEps);
  const logits = normed.matmul((parameters.get('lm_head.weight') ?? embedding).transpose(0, 1));
  const time = ids.shape[1]!;
  const predicted = logits.narrow(1, 0, time - 1).logSoftmax(-1);
  const targets = ids.narrow(1, 1, time - 1).unsqueeze(2);
  return { logits, loss: predicted.gather(2, targets).mean().neg() };
}
