// The gradients of a list of parameters: found, measured and clipped together.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace torchwright {

// Parameters of one device and dtype that have a gradient, with their places in the list they came from.
struct GradientBucket {
  std::vector<int64_t> positions;
  std::vector<at::Tensor> parameters;
  std::vector<at::Tensor> gradients;
};

// Buckets for calls of list kernels, in the order of the parameters. On the CPU a bucket ends where the temporaries of
// such a kernel would no longer stay in the cache: there, passing over many large tensors again and again is several
// times slower than finishing a few at a time. Throws ERR_ARGUMENT for a sparse gradient.
std::vector<GradientBucket> gradient_buckets(const std::vector<at::Tensor>& parameters);

// The norm of all tensors' norms, a scalar tensor on the first one's device.
at::Tensor total_norm(const std::vector<at::Tensor>& tensors, double norm_type = 2);
at::Tensor total_grad_norm(const std::vector<at::Tensor>& parameters, double norm_type = 2);

// Scales all gradients together so that their total norm, which is `norm` now, is at most `max_norm`.
void clip_gradients(const std::vector<at::Tensor>& parameters, const at::Tensor& norm, double max_norm);
// Measures and scales them. The norm before.
at::Tensor clip_grad_norm(const std::vector<at::Tensor>& parameters, double max_norm, double norm_type = 2);

// Whether the tensors at the same place of each list have the same shape, strides, dtype and device, without gaps in
// memory. The fused kernels walk over memory as it lies and do not check.
bool alike(const std::vector<std::vector<at::Tensor>>& lists);
bool alike(const at::Tensor& a, const at::Tensor& b);

}  // namespace torchwright
