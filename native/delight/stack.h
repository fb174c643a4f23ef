// An encoder or a decoder: embedding, positions, layers, final norm; a decoder's projection to the output's width.
#pragma once

#include <functional>
#include <vector>

#include "delight/embedding.h"
#include "delight/layer.h"
#include "delight/positions.h"

namespace torchwright::delight {

class Stack : public torch::nn::Module {
 public:
  // Plan: features, embedding, positions, layers, finalNorm, dropout, positionDropout, activationCheckpointing. `out`:
  // of a decoder, the width that project_out_dim gives (none when equal to features); 0 for an encoder. `shared`: an
  // embedding whose table this one takes.
  Stack(const Plan& plan, Layer::Side side, int64_t out, const Embedding* shared, const at::TensorOptions& options);

  // ids [B, T] -> [B, T, features].
  at::Tensor encode(const at::Tensor& ids, const at::Tensor& padding) const;
  // ids [B, T], memory [B, S, features] or undefined -> [B, T, out]; causal.
  at::Tensor decode(const at::Tensor& ids, const at::Tensor& memory, const at::Tensor& memory_padding) const;

  // [B, T] bool, true at padding; undefined when there is none.
  at::Tensor padding_of(const at::Tensor& ids) const;

  // New tokens ids [rows, time] -> [rows, time, out]. `padding`: how many tokens of each row's first step are none.
  at::Tensor step(const at::Tensor& ids, std::vector<LayerCache>& caches, int64_t past, int64_t beams,
                  const std::vector<int64_t>& padding, const at::Tensor& memory_bias) const;
  std::vector<LayerCache> caches(int64_t rows, int64_t capacity, const at::Tensor& memory) const;

  const Embedding& embedding() const { return *embed_tokens_; }
  bool cross() const { return layers_.front()->cross(); }

 private:
  // `vectors` of tokens with their positions added and dropout.
  at::Tensor placed(const at::Tensor& ids, const std::function<at::Tensor(const at::TensorOptions&)>& positions) const;
  at::Tensor placed(const at::Tensor& ids) const;
  at::Tensor embedded(const at::Tensor& ids) const;
  // All layers, each checkpointed where the plan says so.
  at::Tensor layered(at::Tensor x, const at::Tensor& self_bias, const at::Tensor& memory,
                     const at::Tensor& memory_bias) const;
  at::Tensor finished(const at::Tensor& x) const;

  double dropout_, position_dropout_;
  std::optional<int64_t> padding_;
  bool checkpoints_;
  bool recurrent_;  // DeLighT drops positions once a sequence, the Transformer each by itself
  std::shared_ptr<Embedding> embed_tokens_;
  std::shared_ptr<Positions> embed_positions_;
  std::vector<std::shared_ptr<Layer>> layers_;
  std::shared_ptr<LayerNorm> layer_norm_;
  std::shared_ptr<Linear> project_out_;
};

}  // namespace torchwright::delight
