#include "delight/linear.h"

#include <ATen/ATen.h>

#include <cmath>

#include "delight/check.h"
#include "delight/stage.h"
#include "nn/products.h"
#include "runtime/errors.h"

namespace torchwright::delight {

at::Tensor xavier_uniform(at::IntArrayRef shape, int64_t fan_in, int64_t fan_out, const at::TensorOptions& options,
                          double gain) {
  const double bound = gain * std::sqrt(6.0 / static_cast<double>(fan_in + fan_out));
  return at::empty(shape, options).uniform_(-bound, bound);
}

Linear::Linear(int64_t in, int64_t out, int64_t gates, const Style& style, const at::TensorOptions& options,
               const char* suffix, double gain)
    : weights(register_parameter(std::string("weight") + suffix,
                                 xavier_uniform({out * gates, in}, in, out * gates, options, gain))),
      bias(style.bias ? register_parameter("bias", at::zeros({out * gates}, options)) : at::Tensor()),
      finish(*this, style, out * gates, options) {}

at::Tensor Linear::forward(const at::Tensor& x) const {
  check_features(x, weights.size(1), "x");
  return finish(apply_linear(x, weights, bias), is_training());
}

std::shared_ptr<Linear> plain_linear(int64_t in, int64_t out, const at::TensorOptions& options, int64_t gates) {
  return std::make_shared<Linear>(in, out, gates, Style{}, options);
}

GroupLinear::GroupLinear(int64_t in, int64_t out, int64_t groups, bool shuffle, const Style& style,
                         const at::TensorOptions& options)
    // The fans are those of a convolution's weight of this shape, as in the original.
    : weights(register_parameter("weights", xavier_uniform({groups, in / groups, out / groups},
                                                           (in / groups) * (out / groups), out, options))),
      bias(style.bias ? register_parameter("bias", at::zeros({groups, 1, out / groups}, options)) : at::Tensor()),
      groups(groups),
      shuffle(shuffle),
      finish(*this, style, out / groups, options) {
  if (in % groups != 0 || out % groups != 0) {
    throw Error(code::kConfig, "a group linear transform of " + std::to_string(in) + " to " + std::to_string(out) +
                                   " features cannot have " + std::to_string(groups) +
                                   " groups: they must divide both");
  }
}

at::Tensor GroupLinear::forward(const at::Tensor& x) const {
  if (x.dim() != 2 && x.dim() != 3) {
    throw Error(code::kShape, "a group linear transform takes [time, batch, features] or [batch, features], not " +
                                  std::to_string(x.dim()) + " axes");
  }
  check_features(x, weights.size(0) * weights.size(1), "x");
  const at::Tensor y = group_linear(Stage::of(*this), x.reshape({-1, x.size(-1)}), is_training());
  if (x.dim() == 2) return y.view({x.size(0), groups, -1});
  return y.view({x.size(0), x.size(1), -1});
}

}  // namespace torchwright::delight
