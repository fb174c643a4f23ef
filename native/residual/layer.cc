#include "residual/layer.h"

#include <ATen/ATen.h>

#include <cmath>

namespace torchwright::residual {

namespace {

// weight * factor, or the weight itself where there is no factor or no weight.
at::Tensor scaled(const at::Tensor& weight, const at::Tensor& factor) {
  return factor.defined() && weight.defined() ? weight * factor : weight;
}

}  // namespace

DecoderLayer::DecoderLayer(const Config& config, int64_t index, const at::TensorOptions& options)
    : config_(config), index_(index), first_earlier_(config.first_earlier(index)) {
  const Residual& residual = config.residual;
  replaces_ = residual.replace && residual.site != Site::kNone && (index > 0 || !residual.first_layer_residual);
  self_attn_ = register_module("self_attn", std::make_shared<Attention>(config, options));
  mlp_ = register_module("mlp", std::make_shared<Mlp>(config, options));
  input_layernorm_ = register_module("input_layernorm", std::make_shared<RmsNorm>(config.hidden_size, options));
  post_attention_layernorm_ =
      register_module("post_attention_layernorm", std::make_shared<RmsNorm>(config.hidden_size, options));
  const int64_t earlier = index - first_earlier_;
  if (residual.weights == Weights::kLearned && earlier > 0) {
    const char* name = residual.site == Site::kMlp ? "modified_residual_mlp" : "modified_residual_attn";
    const int64_t size = earlier + (residual.norm_with_current ? 1 : 0);
    mixing_ = register_module(name, std::make_shared<Mixing>(size, residual.free_weights, options));
  }
}

LayerWeights DecoderLayer::fold(at::ScalarType dtype) const {
  return {self_attn_->fold(input_layernorm_->weight, dtype), mlp_->fold(post_attention_layernorm_->weight, dtype)};
}

LayerTerms DecoderLayer::terms() const {
  LayerTerms terms{first_earlier_, replaces_, {}};
  for (const at::Tensor& factor : each(factors()))
    terms.factors.push_back(factor.defined() ? factor.item<double>() : 1);
  return terms;
}

at::Tensor DecoderLayer::unit(const at::Tensor& stream, const Pass& pass) const {
  return unit_rms(stream, config_.rms_norm_eps, pass.dtype);
}

Probabilities DecoderLayer::probabilities(const at::Tensor& unit, const Pass& pass, const Probabilities* made) const {
  const AttentionWeights& weights = pass.weights[index_].attention;
  const auto qk = plain_linear(unit, weights.qk, weights.qk_bias)
                      .view({pass.batch, pass.time, -1})
                      .split_with_sizes({config_.query_size(), config_.kv_size()}, 2);
  const double scale = 1 / std::sqrt(static_cast<double>(config_.head_dim));
  const at::Tensor queries = rotate(qk[0], config_.kv_heads, pass.rotary, scale);
  const at::Tensor keys = rotate(qk[1], config_.kv_heads, pass.rotary, 1);
  if (made != nullptr) return again(*made, queries, keys);
  return causal_probabilities(queries, keys, config_.is_recomputed(index_) ? pass.keeps_probabilities : pass.keeps_own);
}

at::Tensor DecoderLayer::heads(const at::Tensor& unit, int64_t first, int64_t last,
                               const std::vector<Probabilities>& kept, const Pass& pass) const {
  std::vector<at::Tensor> weights, biases;
  for (int64_t j = first; j < last; ++j) {
    weights.push_back(pass.weights[j].attention.v);
    if (config_.attention_bias) biases.push_back(pass.weights[j].attention.v_bias);
  }
  const at::Tensor values = plain_linear(unit, at::cat(weights), biases.empty() ? at::Tensor() : at::cat(biases));
  return apply_probabilities(kept, values.view({pass.batch, pass.time, -1}), config_.kv_heads,
                             /*own=*/last == index_ + 1);
}

at::Tensor DecoderLayer::activations(const at::Tensor& stream, const MlpWeights& weights, const Pass& pass) const {
  return swiglu(plain_linear(unit(stream, pass), weights.gate_up, weights.gate_up_bias));
}

at::Tensor DecoderLayer::factors() const {
  const int64_t earlier = index_ - first_earlier_;
  if (earlier == 0) return {};
  return mixing_weights(config_.residual, earlier, mixing_.get(), input_layernorm_->weight.options());
}

std::vector<at::Tensor> DecoderLayer::each(const at::Tensor& factors) const {
  return factors.defined() ? factors.unbind() : std::vector<at::Tensor>(index_ - first_earlier_ + 1);
}

at::Tensor DecoderLayer::forward(const at::Tensor& h, const at::Tensor& factors, Pass& pass,
                                 const Probabilities* made) const {
  const auto factor = each(factors);
  if (config_.adds_earlier() && config_.residual.stored) return mix_stored(h, factor, pass, made);
  const at::Tensor normed = unit(h, pass);
  std::vector<Probabilities> kept(pass.kept.begin() + first_earlier_, pass.kept.begin() + index_);
  kept.push_back(probabilities(normed, pass, made));

  if (config_.is_recomputed(index_))
    pass.kept[index_] = config_.residual.detach_probs ? kept.back().detached() : kept.back();
  // The next layers look back no further than the next one does.
  for (int64_t j = first_earlier_; j < config_.first_earlier(index_ + 1) && j < index_; ++j) pass.kept[j] = {};

  return config_.residual.site == Site::kMlp ? mix_mlp(h, factor, kept, normed, pass)
                                             : mix_attention(h, factor, kept, normed, pass);
}

at::Tensor DecoderLayer::mix_attention(const at::Tensor& h, const std::vector<at::Tensor>& factor,
                                       const std::vector<Probabilities>& kept, const at::Tensor& unit,
                                       const Pass& pass) const {
  // The sum over layers is one product: outputs of all heads side by side, times [w_j O_j] side by side.
  std::vector<at::Tensor> weights;
  at::Tensor bias;
  for (int64_t j = first_earlier_; j <= index_; ++j) {
    const AttentionWeights& layer = pass.weights[j].attention;
    weights.push_back(scaled(layer.o, factor[j - first_earlier_]));
    const at::Tensor own_bias = scaled(layer.o_bias, factor[j - first_earlier_]);
    bias = bias.defined() ? bias + own_bias : own_bias;
  }
  const at::Tensor outputs = heads(unit, first_earlier_, index_ + 1, kept, pass);
  const at::Tensor residual = replaces_ ? at::zeros_like(h) : h;
  const at::Tensor u = add_linear(residual, outputs, at::cat(weights, 1), bias);

  const MlpWeights& mlp = pass.weights[index_].mlp;
  return add_linear(u, activations(u, mlp, pass), mlp.down, mlp.down_bias);
}

at::Tensor DecoderLayer::mix_mlp(const at::Tensor& h, const std::vector<at::Tensor>& factor,
                                 const std::vector<Probabilities>& kept, const at::Tensor& unit,
                                 const Pass& pass) const {
  // With `mid` the earlier layers read u, which needs the current layer's attention first.
  const bool mid = config_.residual.mid && first_earlier_ < index_;
  const int64_t first = mid ? index_ : first_earlier_;
  auto outputs = heads(unit, first, index_ + 1, {kept.begin() + (first - first_earlier_), kept.end()}, pass)
                     .split(config_.query_size(), 1);
  const AttentionWeights& own = pass.weights[index_].attention;
  const at::Tensor u = add_linear(h, outputs.back(), own.o, own.o_bias);
  outputs.pop_back();
  if (mid) {
    outputs = heads(this->unit(u, pass), first_earlier_, index_, {kept.begin(), kept.end() - 1}, pass)
                  .split(config_.query_size(), 1);
  }

  at::Tensor sum = replaces_ ? at::zeros_like(u) : u;
  for (int64_t j = first_earlier_; j <= index_; ++j) {
    const int64_t term = j - first_earlier_;
    const LayerWeights& layer = pass.weights[j];
    const at::Tensor stream =
        j == index_ ? u : add_linear(mid ? u : h, outputs[term], layer.attention.o, layer.attention.o_bias);
    sum = add_linear(sum, activations(stream, layer.mlp, pass), scaled(layer.mlp.down, factor[term]),
                     scaled(layer.mlp.down_bias, factor[term]));
  }
  return sum;
}

at::Tensor DecoderLayer::mix_stored(const at::Tensor& h, const std::vector<at::Tensor>& factor, Pass& pass,
                                    const Probabilities* made) const {
  const LayerWeights& own = pass.weights[index_];
  // base + sum_j w_j output_j, the current layer's output last
  const auto mixed = [&](const at::Tensor& base, const at::Tensor& output) {
    pass.outputs[index_] = output;
    at::Tensor sum = replaces_ ? at::Tensor() : base;
    for (int64_t j = first_earlier_; j <= index_; ++j) {
      const at::Tensor term = scaled(pass.outputs[j], factor[j - first_earlier_]);
      sum = sum.defined() ? sum + term : term.to(h.scalar_type());
    }
    // The next layers look back no further than the next one does.
    for (int64_t j = first_earlier_; j < config_.first_earlier(index_ + 1); ++j) pass.outputs[j] = at::Tensor();
    return sum;
  };

  const at::Tensor normed = unit(h, pass);
  const at::Tensor outputs = heads(normed, index_, index_ + 1, {probabilities(normed, pass, made)}, pass);
  const at::Tensor attended = plain_linear(outputs, own.attention.o, own.attention.o_bias);
  const at::Tensor u = config_.residual.site == Site::kAttention ? mixed(h, attended) : h + attended;
  const at::Tensor fed = plain_linear(activations(u, own.mlp, pass), own.mlp.down, own.mlp.down_bias);
  return config_.residual.site == Site::kMlp ? mixed(u, fed) : u + fed;
}

}  // namespace torchwright::residual
