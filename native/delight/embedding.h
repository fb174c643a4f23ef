// From token ids to vectors.
#pragma once

#include <vector>

#include "delight/unit.h"

namespace torchwright::delight {

// weight [count, features], N(0, features^-0.5), the row of `padding` zero.
class Table : public torch::nn::Module {
 public:
  Table(int64_t count, int64_t features, std::optional<int64_t> padding, const at::TensorOptions& options);
  at::Tensor forward(const at::Tensor& ids) const;

  at::Tensor weight;

 private:
  int64_t padding_;  // -1 without
};

// Frequent words get wide vectors, rare ones narrow ones, each band with a projection. Source: Baevski & Auli, ICLR
// 2019.
class AdaptiveInput : public torch::nn::Module {
 public:
  struct Sizes {
    int64_t vocabulary, initial, out;
    std::optional<int64_t> padding;
    std::vector<int64_t> cutoffs;  // rising, below the vocabulary
    double factor;
    bool zero_tails;  // as the original begins: the bands behind the first at zero
  };
  AdaptiveInput(const Sizes& sizes, const at::TensorOptions& options);

  at::Tensor forward(const at::Tensor& ids) const;  // [B, T] -> [B, T, out]

  // Of the bands in order.
  std::vector<std::shared_ptr<Table>> tables;
  std::vector<std::shared_ptr<torch::nn::Module>> projections;  // `weight` [out, dim]
  at::Tensor projection(size_t band) const { return projections[band]->named_parameters(false)["weight"]; }

 private:
  Sizes sizes_;
};

// `cutoffs`, rising and below the vocabulary. Throws ERR_CONFIG.
std::vector<int64_t> read_cutoffs(const Plan& plan, int64_t vocabulary);

// From `cutoffs`, `factor` and `zeroTails`. Throws ERR_CONFIG.
AdaptiveInput::Sizes read_adaptive(const Plan& plan, int64_t vocabulary, int64_t initial, int64_t out,
                                   std::optional<int64_t> padding);

// null is no padding.
std::optional<int64_t> read_padding(const Plan& plan);

// Plan: vocabSize, paddingId, features, scale, dropout, adaptive, unit. Keys: map_layer, dextra_layer; a Transformer's:
// weight.
class Embedding : public torch::nn::Module {
 public:
  // `shared`: take the table of this one instead of an own.
  Embedding(const Plan& plan, const at::TensorOptions& options, const Embedding* shared = nullptr);

  at::Tensor forward(const at::Tensor& ids) const;  // [B, T] -> [B, T, out]

  // The look-up table [vocabulary, features]. Throws ERR_CONFIG for an adaptive one.
  const at::Tensor& table() const;
  // Null unless adaptive.
  const AdaptiveInput* adaptive() const { return adaptive_.get(); }
  int64_t vocabulary() const { return vocabulary_; }
  int64_t features() const { return features_; }
  int64_t out() const { return unit_ ? unit_->out() : features_; }

 private:
  int64_t vocabulary_, features_;
  double scale_, dropout_;
  std::shared_ptr<Table> table_;
  std::shared_ptr<AdaptiveInput> adaptive_;
  std::shared_ptr<Unit> unit_;
};

}  // namespace torchwright::delight
