// One layer of an encoder or a decoder, of DeLighT or of the plain Transformer. Batch first throughout.
#pragma once

#include "delight/attention.h"
#include "delight/unit.h"

namespace torchwright::delight {

// Keys and values that one layer keeps while decoding, side by side.
struct LayerCache {
  at::Tensor past;    // [rows, capacity, 2 * proj], of the tokens so far
  at::Tensor spare;   // of the same shape, for the next order of the rows; undefined at first
  at::Tensor memory;  // [sentences, S, 2 * proj], of the encoder's output
};

// Where decoding stands.
struct StepPlace {
  int64_t past;            // tokens already in the caches
  int64_t beams;           // rows of each sentence
  at::Tensor self_bias;    // [1 or rows, time, past + time], or undefined where a token sees all before it
  at::Tensor memory_bias;  // [sentences, 1, S], or undefined
};

class Layer : public torch::nn::Module {
 public:
  enum class Side { kEncoder, kDecoder };

  // Plan: type 'delight' | 'transformer', features, unit or heads, ffnFeatures, activation, normalizeBefore, dropouts;
  // a decoder's also crossAttention.
  Layer(const Plan& plan, Side side, const at::TensorOptions& options);

  // x [B, T, features]; memory [B, S, features]; biases as `Attention` wants them. `weights`: of the cross attention,
  // when asked.
  at::Tensor forward(const at::Tensor& x, const at::Tensor& self_bias, const at::Tensor& memory,
                     const at::Tensor& memory_bias, at::Tensor* weights = nullptr) const;

  // New tokens x [rows, time, features] behind those in the cache, which takes their keys and values. `weights` as
  // above.
  at::Tensor step(const at::Tensor& x, LayerCache& cache, const StepPlace& place, at::Tensor* weights = nullptr) const;

  // Keys and values of the encoder's output, for the cache.
  at::Tensor remember(const at::Tensor& memory) const { return cross_attn_->project_memory(memory); }

  bool cross() const { return cross_attn_ != nullptr; }
  const Attention& self_attention() const { return *self_attn_; }
  int64_t features() const { return features_; }

 private:
  at::Tensor dropped(const at::Tensor& x, double probability) const;
  // res + branch(x) with the layer's norm before or after.
  template <typename Branch>
  at::Tensor residual(const at::Tensor& x, const LayerNorm& norm, Branch branch) const;
  at::Tensor feed_forward(const at::Tensor& x) const;

  int64_t features_;
  bool normalize_before_;
  double dropout_, activation_dropout_, ffn_dropout_;
  Activation activation_;
  at::Tensor slope_;            // PReLU's
  std::shared_ptr<Unit> unit_;  // null in a Transformer
  std::shared_ptr<Attention> self_attn_, cross_attn_;
  std::shared_ptr<LayerNorm> self_attn_norm_, cross_attn_norm_, final_norm_;
  std::shared_ptr<Linear> fc1_, fc2_;
};

}  // namespace torchwright::delight
