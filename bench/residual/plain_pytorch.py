"""The recomputed-residual Llama decoder written plainly in PyTorch: the definition, one small chain of operators per pair.

It is the yardstick of the benchmarks and an oracle for checks; nothing in it is arranged for speed. Names of modules and
parameters are those of Hugging Face's Llama.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

VARIANTS = {
    'baseline': ('none', 'sum'),
    '1': ('mlp', 'sum'),
    '2': ('attention', 'sum'),
    '3.1': ('mlp', 'mean'),
    '3.2': ('mlp', 'learned'),
    '4.1': ('attention', 'mean'),
    '4.2': ('attention', 'learned'),
}


@dataclass
class Config:
    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    rms_norm_eps: float = 1e-5
    rope_theta: float = 10000.0
    tie_word_embeddings: bool = False
    attention_bias: bool = False
    mlp_bias: bool = False
    initializer_range: float = 0.02
    site: str = 'none'  # none | mlp | attention
    weights: str = 'sum'  # sum | mean | learned
    source: str = 'recomputed'  # recomputed | stored
    mode: str = 'add'  # add | replace
    first_layer: str = 'standard'  # standard | none
    input: str = 'layer'  # layer | mid
    window: int = 0  # 0: all earlier layers
    norm_set: str = 'with_current'  # with_current | earlier
    weight_param: str = 'softmax'  # softmax | free
    detach_probs: bool = False


class RMSNorm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x):
        wide = x if x.dtype == torch.float64 else x.float()
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.eps)
        return self.weight * wide.to(x.dtype)


def rotary_table(config, length, dtype):
    exponents = torch.arange(0, config.head_dim, 2, dtype=torch.int64).float() / config.head_dim
    angles = torch.outer(torch.arange(length).float(), 1.0 / config.rope_theta**exponents)
    angles = torch.cat((angles, angles), dim=-1)
    return angles.cos().to(dtype), angles.sin().to(dtype)


def rotate(x, cos, sin):
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        d, width = config.hidden_size, config.head_dim
        bias = config.attention_bias
        self.q_proj = nn.Linear(d, config.num_attention_heads * width, bias=bias)
        self.k_proj = nn.Linear(d, config.num_key_value_heads * width, bias=bias)
        self.v_proj = nn.Linear(d, config.num_key_value_heads * width, bias=bias)
        self.o_proj = nn.Linear(config.num_attention_heads * width, d, bias=bias)

    def heads(self, x):
        batch, length, _ = x.shape
        return x.view(batch, length, -1, self.config.head_dim).transpose(1, 2)

    def share(self, x):
        return x.repeat_interleave(self.config.num_attention_heads // self.config.num_key_value_heads, dim=1)

    def probabilities(self, x, mask):
        q, k = self.heads(self.q_proj(x)), self.heads(self.k_proj(x))
        cos, sin = rotary_table(self.config, x.shape[1], q.dtype)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        scores = q @ self.share(k).transpose(2, 3) * self.config.head_dim**-0.5 + mask.to(q.dtype)
        wide = scores if scores.dtype == torch.float64 else scores.float()
        return wide.softmax(-1).to(q.dtype)

    def forward(self, x, probabilities):
        values = self.share(self.heads(self.v_proj(x)))
        return self.o_proj((probabilities @ values).transpose(1, 2).flatten(2))


class MLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        d, wide = config.hidden_size, config.intermediate_size
        self.gate_proj = nn.Linear(d, wide, bias=config.mlp_bias)
        self.up_proj = nn.Linear(d, wide, bias=config.mlp_bias)
        self.down_proj = nn.Linear(wide, d, bias=config.mlp_bias)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Mixing(nn.Module):
    def __init__(self, size, config):
        super().__init__()
        self.free = config.weight_param == 'free'
        self.layer_weights = nn.Parameter(torch.full((size,), 1.0 / size if self.free else 1.0))

    def forward(self):
        return self.layer_weights if self.free else self.layer_weights.softmax(-1)


class Layer(nn.Module):
    def __init__(self, index, config):
        super().__init__()
        self.index, self.config = index, config
        self.self_attn = Attention(config)
        self.mlp = MLP(config)
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.first = max(0, index - config.window) if config.window else 0
        earlier = index - self.first
        if config.site != 'none' and config.weights == 'learned' and earlier:
            size = earlier + (config.norm_set == 'with_current')
            name = 'modified_residual_mlp' if config.site == 'mlp' else 'modified_residual_attn'
            self.add_module(name, Mixing(size, config))

    def attention(self, x, probabilities):
        return self.self_attn(self.input_layernorm(x), probabilities)

    def feed_forward(self, x):
        return self.mlp(self.post_attention_layernorm(x))

    def weights(self):
        """Weights of the earlier layers and, last, of the current one."""
        config, earlier = self.config, self.index - self.first
        if config.weights == 'sum':
            return [1.0] * (earlier + 1)
        with_current = config.norm_set == 'with_current'
        if config.weights == 'mean':
            share = 1.0 / (earlier + with_current)
            return [share] * earlier + [share if with_current else 1.0]
        mixing = self.modified_residual_mlp if config.site == 'mlp' else self.modified_residual_attn
        return [*mixing().unbind(), *([] if with_current else [1.0])]

    def forward(self, h, layers, kept, stored, mask):
        config = self.config
        probabilities = self.self_attn.probabilities(self.input_layernorm(h), mask)
        kept.append(probabilities.detach() if config.detach_probs else probabilities)
        a = self.attention(h, probabilities)
        site = config.site
        replace = config.mode == 'replace' and site != 'none'
        if self.index == 0:
            bare = replace and config.first_layer == 'none'
            u = a if bare and site == 'attention' else h + a
            f = self.feed_forward(u)
            stored.append(a if site == 'attention' else f)
            return f if bare and site == 'mlp' else u + f
        earlier = range(self.first, self.index)
        w = self.weights() if site != 'none' else None
        recomputed = config.source == 'recomputed'
        if site == 'attention':
            u = w[-1] * a if replace else h + w[-1] * a
            for j in earlier:
                u = u + w[j - self.first] * (layers[j].attention(h, kept[j]) if recomputed else stored[j])
            stored.append(a)
            return u + self.feed_forward(u)
        u = h + a
        f = self.feed_forward(u)
        if site == 'none':
            return u + f
        x = u if config.input == 'mid' else h
        out = w[-1] * f if replace else u + w[-1] * f
        for j in earlier:
            again = layers[j].feed_forward(x + layers[j].attention(x, kept[j])) if recomputed else stored[j]
            out = out + w[j - self.first] * again
        stored.append(f)
        return out


class Body(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Layer(index, config) for index in range(config.num_hidden_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)


class Llama(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.model = Body(config)
        if not config.tie_word_embeddings:
            self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, std=config.initializer_range)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)

    def hidden_states(self, ids):
        """Input of every layer, and the last layer's output before the final norm."""
        length = ids.shape[1]
        h = self.model.embed_tokens(ids)
        mask = torch.full((length, length), float('-inf'), dtype=h.dtype, device=ids.device).triu(1)
        states, kept, stored = [h], [], []
        for layer in self.model.layers:
            states.append(layer(states[-1], self.model.layers, kept, stored, mask))
        return states

    def forward(self, ids):
        head = self.model.embed_tokens if self.config.tie_word_embeddings else self.lm_head
        return F.linear(self.model.norm(self.hidden_states(ids)[-1]), head.weight)

    @staticmethod
    def cross_entropy(logits, labels):
        wide = logits if logits.dtype == torch.float64 else logits.float()
        return F.cross_entropy(wide[:, :-1].flatten(0, 1), labels[:, 1:].flatten())

    def loss(self, ids, labels=None):
        return self.cross_entropy(self(ids), ids if labels is None else labels)

    @torch.no_grad()
    def evaluate(self, ids, labels=None):
        labels = ids if labels is None else labels
        logits = self(ids)
        correct = (logits.argmax(-1)[:, :-1] == labels[:, 1:]).sum()
        return self.cross_entropy(logits, labels), correct
