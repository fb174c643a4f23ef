// What follows a linear transform: a norm, an activation, dropout. Named as the plans name them.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <memory>
#include <string>

#include "nn/plan.h"

namespace torchwright::delight {

enum class Activation { kNone, kRelu, kLeaky, kSelu, kElu, kCelu, kPrelu, kSigmoid, kTanh, kGelu, kSwish };
enum class Norm { kNone, kLayer, kBatch };

inline constexpr double kNormEpsilon = 1e-5;

// Throws ERR_CONFIG for another name.
Activation read_activation(const Plan& plan, const std::string& key);

struct Style {
  Norm norm = Norm::kNone;
  Activation activation = Activation::kNone;
  double dropout = 0;
  bool bias = true;

  // From `norm`, `activation`, `dropout` and `bias`.
  static Style from(const Plan& plan);
};

// A number of at least 1, or a probability; each throws ERR_CONFIG.
int64_t read_size(const Plan& plan, const std::string& key);
double read_probability(const Plan& plan, const std::string& key);

// `slope` is PReLU's weight and unused by the others.
at::Tensor activate(const at::Tensor& x, Activation activation, const at::Tensor& slope = {});

// PReLU's parameter, `name`.weight in the owner.
at::Tensor register_slope(torch::nn::Module& owner, const char* name, const at::TensorOptions& options);

// One mask for each sequence and feature, shared over time: x [B, T, C].
at::Tensor recurrent_dropout(const at::Tensor& x, double probability, bool training);

// Layer norm over the last axis, eps 1e-5.
class LayerNorm : public torch::nn::Module {
 public:
  LayerNorm(int64_t features, const at::TensorOptions& options);
  at::Tensor forward(const at::Tensor& x) const;

  at::Tensor weight, bias;
};

// Batch norm over all axes but the last, with PyTorch's momentum and running statistics.
class BatchNorm : public torch::nn::Module {
 public:
  BatchNorm(int64_t features, const at::TensorOptions& options);
  at::Tensor forward(const at::Tensor& x);

 private:
  at::Tensor weight_, bias_, running_mean_, running_var_, num_batches_tracked_;
};

// Norm, activation and dropout of one transform, with their parameters registered in the transform's module.
class Finish {
 public:
  // `features`: what one norm sees.
  Finish(torch::nn::Module& owner, const Style& style, int64_t features, const at::TensorOptions& options);

  // x [..., features].
  at::Tensor operator()(const at::Tensor& x, bool training) const;

  const Style& style() const { return style_; }
  // Null without a layer norm.
  const LayerNorm* layer_norm() const { return layer_norm_.get(); }

 private:
  Style style_;
  std::shared_ptr<LayerNorm> layer_norm_;
  std::shared_ptr<BatchNorm> batch_norm_;
  at::Tensor slope_;
};

}  // namespace torchwright::delight
