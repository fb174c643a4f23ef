#include "io/batches.h"

namespace torchwright {

Batch Batch::to(at::Device device) && {
  if (device.is_cpu()) return std::move(*this);
  for (at::Tensor& input : inputs) {
    if (input.defined()) input = input.to(device, /*non_blocking=*/true);
  }
  return std::move(*this);
}

}  // namespace torchwright
