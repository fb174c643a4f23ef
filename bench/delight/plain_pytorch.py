"""DeLighT's translation model written plainly in PyTorch: what a careful reader of the paper would write. Keys as in the original."""

import math

import torch
import torch.nn.functional as F
from torch import nn


class Linear(nn.Module):
    """Dense layer with the norm and activation that DeLighT's transformation puts behind it."""

    def __init__(self, features_in, features_out, finish=False, bias=True):
        super().__init__()
        self.weights = nn.Parameter(torch.empty(features_out, features_in))
        self.bias = nn.Parameter(torch.zeros(features_out)) if bias else None
        self.normalization_fn = nn.LayerNorm(features_out) if finish else None

    def forward(self, x):
        y = F.linear(x, self.weights, self.bias)
        return F.silu(self.normalization_fn(y)) if self.normalization_fn is not None else y


class GroupLinear(nn.Module):
    def __init__(self, features_in, features_out, groups):
        super().__init__()
        self.groups = groups
        self.weights = nn.Parameter(torch.empty(groups, features_in // groups, features_out // groups))
        self.bias = nn.Parameter(torch.zeros(groups, 1, features_out // groups))
        self.normalization_fn = nn.LayerNorm(features_out // groups)

    def forward(self, x):
        shape = x.shape[:-1]
        x = x.reshape(-1, self.groups, x.shape[-1] // self.groups).transpose(0, 1)
        y = torch.baddbmm(self.bias, x, self.weights)
        # shuffle: element k of group i becomes feature k * groups + i
        y = y.permute(1, 2, 0).reshape(y.shape[1], self.groups, -1)
        return F.silu(self.normalization_fn(y)).reshape(*shape, -1)


class Unit(nn.Module):
    """The DeLighT transformation."""

    def __init__(self, plan):
        super().__init__()
        proj = plan['projFeatures']
        self.input_layer = Linear(plan['inFeatures'], proj, finish=True)
        self.dextra_layers = nn.ModuleList(
            GroupLinear(layer['inFeatures'], layer['outFeatures'], layer['groups']) for layer in plan['layers']
        )
        last = plan['layers'][-1]['outFeatures']
        self.output_layer = Linear(proj + last, plan['outFeatures'], finish=True)

    def forward(self, x):
        u = self.input_layer(x)
        h = u
        for index, layer in enumerate(self.dextra_layers):
            h = layer(h)
            groups = self.dextra_layers[index + 1].groups if index + 1 < len(self.dextra_layers) else 1
            lead = u.shape[:-1]
            mixed = torch.cat((u.reshape(*lead, groups, -1), h.reshape(*lead, groups, -1)), -1)
            h = mixed.reshape(*lead, -1)
        return self.output_layer(h)


class Attention(nn.Module):
    """Single-head attention; `cache` keeps keys and values while decoding."""

    def __init__(self, self_attention, features, proj, out):
        super().__init__()
        self.proj = proj
        if self_attention:
            self.linear_kqv = Linear(features, 3 * proj)
        else:
            self.linear_q = Linear(features, proj)
            self.linear_kv = Linear(features, 2 * proj)
        self.out_proj = Linear(proj, out)
        self.self_attention = self_attention

    def forward(self, x, memory=None, padding=None, causal=None, cache=None):
        if self.self_attention:
            q, k, v = self.linear_kqv(x).chunk(3, -1)
            if cache is not None:
                if cache:
                    k = torch.cat((cache['k'], k), 1)
                    v = torch.cat((cache['v'], v), 1)
                cache['k'], cache['v'] = k, v
        else:
            q = self.linear_q(x)
            if cache:
                k, v = cache['k'], cache['v']
            else:
                k, v = self.linear_kv(memory).chunk(2, -1)
                if cache is not None:
                    cache['k'], cache['v'] = k, v
        scores = torch.bmm(q * self.proj**-0.5, k.transpose(1, 2))
        if causal is not None:
            scores = scores + causal
        if padding is not None:
            scores = scores.masked_fill(padding.unsqueeze(1), -math.inf)
        return self.out_proj(torch.bmm(F.softmax(scores, -1), v))


class Layer(nn.Module):
    def __init__(self, plan, decoder):
        super().__init__()
        features = plan['features']
        unit = Unit(plan['unit'])
        if decoder:
            self.dextra_layer_sa = unit
        else:
            self.dextra_layer = unit
        proj = plan['unit']['outFeatures']
        self.self_attn = Attention(True, proj, proj, features)
        self.self_attn_layer_norm = nn.LayerNorm(features)
        if decoder:
            self.encoder_attn = Attention(False, features, proj, features)
            self.encoder_attn_layer_norm = nn.LayerNorm(features)
        self.fc1 = Linear(features, plan['ffnFeatures'])
        self.fc2 = Linear(plan['ffnFeatures'], features)
        self.final_layer_norm = nn.LayerNorm(features)
        self.decoder = decoder

    def forward(self, x, padding=None, memory=None, causal=None, cache=None):
        unit = self.dextra_layer_sa if self.decoder else self.dextra_layer
        own, cross = cache if cache is not None else (None, None)
        if self.decoder:
            x = self.self_attn_layer_norm(x + self.self_attn(unit(x), causal=causal, cache=own))
            x = self.encoder_attn_layer_norm(x + self.encoder_attn(x, memory, padding, cache=cross))
        else:
            x = self.self_attn_layer_norm(x + self.self_attn(unit(x), padding=padding))
        return self.final_layer_norm(x + self.fc2(F.silu(self.fc1(x))))


def sinusoids(count, features, padding):
    half = features // 2
    frequencies = torch.exp(torch.arange(half) * -(math.log(10000) / (half - 1)))
    angles = torch.arange(count).unsqueeze(1) * frequencies
    table = torch.cat((angles.sin(), angles.cos()), 1)
    table[padding] = 0
    return table


class Embedding(nn.Module):
    def __init__(self, plan):
        super().__init__()
        self.map_layer = nn.Embedding(plan['vocabSize'], plan['features'], plan['paddingId'])
        self.scale = math.sqrt(plan['features'])
        self.dextra_layer = Unit(plan['unit'])

    def forward(self, ids):
        return self.dextra_layer(self.map_layer(ids) * self.scale)


class Stack(nn.Module):
    def __init__(self, plan, decoder, out):
        super().__init__()
        self.embed_tokens = Embedding(plan['embedding'])
        self.layers = nn.ModuleList(Layer(layer, decoder) for layer in plan['layers'])
        self.padding = plan['embedding']['paddingId']
        features = plan['features']
        table = sinusoids(plan['positions']['maxPositions'] + self.padding + 1, features, self.padding)
        self.register_buffer('positions', table, persistent=False)
        self.project_out_dim = Linear(features, out, bias=False) if decoder and out != features else nn.Identity()

    def embed(self, ids, past=None):
        if past is not None:
            return self.embed_tokens(ids) + self.positions[self.padding + 1 + past]
        real = ids.ne(self.padding).long()
        return self.embed_tokens(ids) + self.positions[real.cumsum(1) * real + self.padding]


class DelightTransformer(nn.Module):
    def __init__(self, plan):
        super().__init__()
        self.encoder = Stack(plan['encoder'], False, 0)
        self.decoder = Stack(plan['decoder'], True, plan['outFeatures'])
        self.decoder.embed_tokens.map_layer.weight = self.encoder.embed_tokens.map_layer.weight
        self.padding = plan['paddingId']
        self.smoothing = plan['labelSmoothing']

    def encode(self, source):
        padding = source.eq(self.padding)
        padding = padding if padding.any() else None
        x = self.encoder.embed(source)
        for layer in self.encoder.layers:
            x = layer(x, padding)
        return x, padding

    def output(self, x):
        return F.linear(self.decoder.project_out_dim(x), self.decoder.embed_tokens.map_layer.weight)

    def forward(self, source, previous):
        memory, padding = self.encode(source)
        time = previous.shape[1]
        causal = torch.full((time, time), -math.inf).triu(1)
        x = self.decoder.embed(previous)
        for layer in self.decoder.layers:
            x = layer(x, padding, memory, causal)
        return self.output(x)

    def loss(self, source, previous, target):
        """Label-smoothed, summed over targets, as fairseq's criterion; then the mean."""
        log_probabilities = F.log_softmax(self(source, previous), -1).flatten(0, 1)
        target = target.flatten().unsqueeze(1)
        real = target.ne(self.padding)
        nll = -log_probabilities.gather(1, target)[real].sum()
        smooth = -log_probabilities.sum(-1, keepdim=True)[real].sum()
        share = self.smoothing / log_probabilities.shape[-1]
        return ((1 - self.smoothing) * nll + share * smooth) / real.sum()

    def begin(self, source, beams):
        memory, padding = self.encode(source)
        self.memory = memory.repeat_interleave(beams, 0)
        self.memory_padding = padding.repeat_interleave(beams, 0) if padding is not None else None
        self.caches = [({}, {}) for _ in self.decoder.layers]
        self.past = 0

    def reorder(self, order):
        for pair in self.caches:
            for cache in pair:
                for name, tensor in cache.items():
                    cache[name] = tensor.index_select(0, order)

    def step(self, tokens, count):
        """The best `count` next tokens of each row, with their log-probabilities."""
        x = self.decoder.embed(tokens.unsqueeze(1), self.past)
        for layer, cache in zip(self.decoder.layers, self.caches):
            x = layer(x, self.memory_padding, self.memory, cache=cache)
        self.past += 1
        return F.log_softmax(self.output(x[:, -1]), -1).topk(count, -1)
