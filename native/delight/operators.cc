// Kernels of the project as operators of libtorch, which are called like any other.
#include <ATen/ATen.h>
#include <torch/library.h>

#include <string>
#include <string_view>

#include "delight/check.h"
#include "delight/loss.h"
#include "runtime/errors.h"

namespace torchwright::delight {

namespace {

void check(bool holds, const char* code, const std::string& message) {
  if (!holds) throw Error(code, "linear_cross_entropy: " + message);
}

// The mean or sum, over targets that are not `ignore_index`, of the cross entropy of logits input weight^T.
at::Tensor checked_linear_cross_entropy(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& target,
                                        std::string_view reduction, int64_t ignore_index, double label_smoothing) {
  check(input.dim() >= 1 && weight.dim() == 2 && input.size(-1) == weight.size(1) && weight.size(0) > 0, code::kShape,
        "input must be [*, features] and linear_weight [classes, features], not " + text(input.sizes()) + " and " +
            text(weight.sizes()));
  check(target.sizes() == input.sizes().slice(0, input.dim() - 1), code::kShape,
        "target must have the shape of input without its last axis, not " + text(target.sizes()));
  check(at::isFloatingType(input.scalar_type()) && at::isFloatingType(weight.scalar_type()), code::kDtype,
        "input and linear_weight must be floating");
  check(target.scalar_type() == at::kLong, code::kDtype, "target must be int64");
  check(input.device() == weight.device() && input.device() == target.device(), code::kDevice,
        "input, linear_weight and target must be on one device");
  check(reduction == "mean" || reduction == "sum", code::kArgument, "reduction must be 'mean' or 'sum'");
  check(label_smoothing >= 0 && label_smoothing <= 1, code::kArgument, "label_smoothing must be from 0 to 1");
  const auto [rows, targets] = without_padding(input.reshape({-1, input.size(-1)}), target.reshape({-1}), ignore_index);
  if (targets.numel() > 0) {
    const auto [least, most] = at::aminmax(targets);
    check(least.item<int64_t>() >= 0 && most.item<int64_t>() < weight.size(0), code::kArgument,
          "target must be from 0 to " + std::to_string(weight.size(0) - 1) + ", or ignore_index");
  }
  const at::Tensor sum = linear_cross_entropy(rows, weight, targets, label_smoothing).loss;
  return reduction == "sum" ? sum : sum / static_cast<double>(targets.numel());
}

}  // namespace

TORCH_LIBRARY(torchwright, library) {
  library.def(
      "linear_cross_entropy(Tensor input, Tensor linear_weight, Tensor target, *, str reduction='mean', "
      "int ignore_index=-100, float label_smoothing=0.0) -> Tensor",
      checked_linear_cross_entropy);
}

}  // namespace torchwright::delight
