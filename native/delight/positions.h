// Where a token stands, as a vector.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <mutex>
#include <optional>
#include <vector>

#include "nn/plan.h"

namespace torchwright::delight {

// Plan: type 'sinusoidal' | 'learned' | 'none', features, paddingId, maxPositions. The n-th token that is not padding,
// n from 1, has row padding + n; padding itself has row `padding`, which is zero. Without a padding id rows are counted
// as for id 1.
class Positions : public torch::nn::Module {
 public:
  Positions(const Plan& plan, const at::TensorOptions& options);

  bool none() const { return type_ == Type::kNone; }
  int64_t max() const { return max_; }

  // ids [B, T] -> [B, T, features], in the type and on the device of `like`.
  at::Tensor forward(const at::Tensor& ids, const at::TensorOptions& like) const;
  // Rows of `time` tokens after `past` others, none of them padding but the first `padding` of each row:
  // [1 or rows, time, features].
  at::Tensor after(int64_t past, int64_t time, const std::vector<int64_t>& padding,
                   const at::TensorOptions& like) const;
  // The first `length` rows of the table, that of padding included.
  at::Tensor table(int64_t length, const at::TensorOptions& like) const;

 private:
  enum class Type { kSinusoidal, kLearned, kNone };

  at::Tensor rows(const at::TensorOptions& like) const;

  Type type_;
  int64_t features_, max_;
  bool padded_;
  int64_t padding_;
  at::Tensor weight_;         // learned
  mutable std::mutex mutex_;  // of the next, which follows the caller's type and device
  mutable at::Tensor table_;  // sinusoidal; computed, so in no state dict
};

}  // namespace torchwright::delight
