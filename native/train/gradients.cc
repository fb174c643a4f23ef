#include "train/gradients.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include <map>
#include <string>
#include <tuple>

#include "runtime/errors.h"

namespace torchwright {

namespace {

// Elements of a bucket on the CPU after which the next one begins.
constexpr int64_t kCachedElements = 1 << 16;

using Kind = std::tuple<at::DeviceType, at::DeviceIndex, at::ScalarType, at::ScalarType>;

struct OpenBucket {
  std::size_t index = 0;
  int64_t elements = 0;
};

}  // namespace

std::vector<GradientBucket> gradient_buckets(const std::vector<at::Tensor>& parameters) {
  std::vector<GradientBucket> buckets;
  std::map<Kind, OpenBucket> open;
  for (std::size_t position = 0; position < parameters.size(); ++position) {
    const at::Tensor& parameter = parameters[position];
    const at::Tensor& gradient = parameter.grad();
    if (!gradient.defined()) continue;
    if (gradient.layout() != at::kStrided) {
      throw Error(code::kArgument,
                  "the gradient of parameter " + std::to_string(position) +
                      " is sparse, which optimisers here do not take; make it dense with toDense() first");
    }
    const at::Device device = parameter.device();
    const Kind kind{device.type(), device.index(), parameter.scalar_type(), gradient.scalar_type()};
    auto [place, is_new] = open.try_emplace(kind);
    if (is_new || (device.is_cpu() && place->second.elements >= kCachedElements)) {
      place->second = {buckets.size(), 0};
      buckets.emplace_back();
    }
    place->second.elements += parameter.numel();
    GradientBucket& bucket = buckets[place->second.index];
    bucket.positions.push_back(static_cast<int64_t>(position));
    bucket.parameters.push_back(parameter);
    bucket.gradients.push_back(gradient);
  }
  return buckets;
}

at::Tensor total_norm(const std::vector<at::Tensor>& tensors, double norm_type) {
  const at::NoGradGuard no_grad;
  if (tensors.empty()) return at::zeros({});
  auto norms = at::_foreach_norm(tensors, norm_type);
  for (at::Tensor& norm : norms) norm = norm.to(norms[0].device());
  return at::linalg_vector_norm(at::stack(norms), norm_type);
}

at::Tensor total_grad_norm(const std::vector<at::Tensor>& parameters, double norm_type) {
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& parameter : parameters) {
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  }
  return total_norm(gradients, norm_type);
}

void clip_gradients(const std::vector<at::Tensor>& parameters, const at::Tensor& norm, double max_norm) {
  const at::NoGradGuard no_grad;
  // As torch.nn.utils.clip_grad_norm_: the factor is capped at one, with no read-back to decide.
  const at::Tensor factor = at::clamp(max_norm / (norm + 1e-6), std::nullopt, 1.0);
  for (const GradientBucket& bucket : gradient_buckets(parameters)) {
    at::_foreach_mul_(bucket.gradients, factor.to(bucket.gradients[0].device()));
  }
}

at::Tensor clip_grad_norm(const std::vector<at::Tensor>& parameters, double max_norm, double norm_type) {
  const at::Tensor norm = total_grad_norm(parameters, norm_type);
  clip_gradients(parameters, norm, max_norm);
  return norm;
}

bool alike(const at::Tensor& a, const at::Tensor& b) {
  return a.sizes() == b.sizes() && a.strides() == b.strides() && a.scalar_type() == b.scalar_type() &&
         a.device() == b.device() && a.is_non_overlapping_and_dense();
}

bool alike(const std::vector<std::vector<at::Tensor>>& lists) {
  for (const auto& list : lists) {
    if (list.size() != lists[0].size()) return false;
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (!alike(lists[0][i], list[i])) return false;
    }
  }
  return true;
}

}  // namespace torchwright
