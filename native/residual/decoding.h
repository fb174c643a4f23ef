// Decoding with the residual decoder: every layer keeps its keys and values, and beside them, for each earlier layer
// that it recomputes, the values which that layer's attention has on its own stream (one cache for each pair of
// layers). Old rows never change, so a step computes its new rows only; kept probabilities are those rows', and go
// after the step.
#pragma once

#include <memory>
#include <vector>

#include "nn/decoding.h"
#include "residual/config.h"
#include "residual/layer.h"
#include "residual/rotary.h"

namespace torchwright::residual {

// A model as decoding reads it, made once: gains are folded into the weights that follow them.
struct DecodingWeights {
  struct Layer {
    LayerWeights weights;  // `attention.v` is among `values`; queries come divided by the root of their width
    LayerTerms terms;
  };

  Config config;
  std::vector<Layer> layers;
  at::Tensor values, values_bias;  // [layers * kv size, hidden]: those of neighbouring layers are one product
  at::Tensor embedding;            // [vocabulary, hidden]
  at::Tensor norm;                 // [hidden], the last gain
  at::Tensor head;                 // [vocabulary, hidden]
};

class LlamaDecoding : public Decoding {
 public:
  // `starts`: for each row how many tokens of padding its first step begins with.
  LlamaDecoding(std::shared_ptr<const DecodingWeights> weights, std::vector<int64_t> starts, int64_t beams,
                int64_t capacity);

  void reorder(const std::vector<int64_t>& order) override;
  at::Tensor step(const at::Tensor& tokens, const CancelFlag& cancel) override;
  int64_t rows() const override { return static_cast<int64_t>(starts_.size()); }
  int64_t vocabulary() const override { return config().vocab_size; }
  at::Device device() const override { return weights_->embedding.device(); }

 private:
  struct Chunk;

  const Config& config() const { return weights_->config; }
  bool padded() const;
  void reserve(int64_t length);
  // Angles of the slots [length_, length), [1 or rows, slots, 1, headDim / 2].
  RotaryTable angles(int64_t length) const;
  // Positions of each row that are computed at once: what a chunk keeps grows with it.
  int64_t chunk_time(int64_t length) const;

  // The last layer's output [rows * time, hidden] for new tokens [rows, time].
  at::Tensor forward(const at::Tensor& tokens, Chunk& chunk);
  at::Tensor layer(int64_t index, const at::Tensor& h, Chunk& chunk);
  at::Tensor unit(const at::Tensor& stream) const;
  void attend(int64_t index, const at::Tensor& unit, Chunk& chunk);
  // Heads' outputs [rows * time, query size] of each of the layers [first, last) on one normed stream of layer `index`.
  std::vector<at::Tensor> heads(int64_t index, const at::Tensor& unit, int64_t first, int64_t last, Chunk& chunk);
  // The feed-forward part of one layer on a stream.
  at::Tensor feed(const at::Tensor& stream, const MlpWeights& weights) const;

  std::shared_ptr<const DecodingWeights> weights_;
  std::vector<int64_t> starts_;
  int64_t beams_, length_ = 0, capacity_;
  RotaryTable table_;               // of `capacity_` positions; undefined where the angles depend on the length
  std::vector<at::Tensor> keys_;    // of each layer, [rows, K, capacity, width]
  std::vector<at::Tensor> values_;  // of each layer, [terms, rows, K, capacity, width]
};

}  // namespace torchwright::residual
