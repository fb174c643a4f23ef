// The recomputed-residual Llama decoder as a native module.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "nn/module.h"
#include "residual/config.h"
#include "residual/decoding.h"
#include "residual/layer.h"
#include "residual/linear.h"
#include "residual/norm.h"

namespace torchwright::residual {

// `model` of the state dict: everything but the head.
class Body : public torch::nn::Module {
 public:
  Body(const Config& config, const at::TensorOptions& options);

  // Input of every layer, then the last layer's output before the final norm, each [batch * time, hidden]; only the
  // last of them unless `all`.
  std::vector<at::Tensor> hidden_states(const at::Tensor& ids, at::ScalarType dtype, bool all) const;

  // The final norm.
  at::Tensor normed(const at::Tensor& hidden, at::ScalarType dtype) const;

  const at::Tensor& embedding() const { return embed_tokens_->weight; }

  std::shared_ptr<const DecodingWeights> decoding_weights(const at::Tensor& head) const;

 private:
  Config config_;
  std::shared_ptr<Embedding> embed_tokens_;
  std::vector<std::shared_ptr<DecoderLayer>> layers_;
  std::shared_ptr<RmsNorm> norm_;
};

// Methods, with ids and labels [batch, time] int64; labels may be null and are then the ids themselves:
//   forward([ids])           -> [logits [batch, time, vocabulary]]
//   hiddenStates([ids])      -> [hidden.0 .. hidden.L], each [batch, time, hidden]
//   loss([ids, labels])      -> [mean cross-entropy of logits[:, :-1] against labels[:, 1:], float32 or float64]
//   evaluate([ids, labels])  -> [that loss, correct, predicted]; the last two int64, argmax against label; no gradient
class Llama : public Module {
 public:
  Llama(const Config& config, const at::TensorOptions& options);

  std::vector<at::Tensor> call(const std::string& method, const std::vector<at::Tensor>& inputs) override;

  // `inputs`: nothing, or [sentences] int64 of how many tokens of padding each sentence's first step begins with.
  std::shared_ptr<Decoding> decode(const std::vector<at::Tensor>& inputs, int64_t sentences, int64_t beams,
                                   int64_t capacity) override;

 private:
  const at::Tensor& head() const { return lm_head_ ? lm_head_->weight : model_->embedding(); }
  std::shared_ptr<const DecodingWeights> decoding_weights();
  // Throws ERR_SHAPE, ERR_DTYPE, ERR_DEVICE or ERR_DATA unless `ids` are a batch of token ids of the vocabulary.
  void check(const at::Tensor& ids, const char* name) const;

  std::vector<at::Tensor> forward(const at::Tensor& ids) const;
  std::vector<at::Tensor> hidden_states(const at::Tensor& ids) const;
  std::vector<at::Tensor> loss(const at::Tensor& ids, const at::Tensor& labels, bool evaluate) const;

  Config config_;
  std::shared_ptr<Body> model_;
  std::shared_ptr<Linear> lm_head_;  // null when tied
  // Decodings at the same time share their weights, as long as the model's parameters stay as they were then.
  std::weak_ptr<const DecodingWeights> decoding_weights_;
  std::vector<std::pair<const void*, int64_t>> decoding_parameters_;
};

}  // namespace torchwright::residual
