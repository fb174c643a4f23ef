#include "train/step/non_finite.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/isfinite.h>

#include <cmath>

namespace torchwright::train {

namespace {

bool is_finite(const at::Tensor& tensor) { return !tensor.defined() || at::isfinite(tensor).all().item<bool>(); }

}  // namespace

NonFinite find_non_finite(const Module& module, double loss) {
  const at::NoGradGuard no_grad;
  const auto parameters = module.named_parameters();
  for (const auto& item : parameters) {
    if (!is_finite(item.value())) return {"weight", item.key()};
  }
  const char* what = std::isfinite(loss) ? "gradient" : "loss";
  for (const auto& item : parameters) {
    if (!is_finite(item.value().grad())) return {what, item.key()};
  }
  return {what, ""};
}

}  // namespace torchwright::train
