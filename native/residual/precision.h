// Which types the decoder computes in. It reads autocast once, at its door, and chooses types itself from there on:
// matrix products in the compute type, the stream, norms, softmax and loss in float32 at least, each weight converted
// once a pass.
#pragma once

#include <ATen/autocast_mode.h>

#include "nn/precision.h"

namespace torchwright::residual {

// The type of matrix products for parameters like `parameter`: autocast's where it is on and applies, else their own.
inline at::ScalarType compute_type(const at::Tensor& parameter) {
  const auto device = parameter.device().type();
  const bool applies = at::autocast::is_autocast_enabled(device) && parameter.scalar_type() != at::kDouble;
  return applies ? at::autocast::get_autocast_dtype(device) : parameter.scalar_type();
}

// Switches autocast's own conversions off while alive.
using AutocastOff = c10::impl::ExcludeDispatchKeyGuard;
inline AutocastOff autocast_off() { return AutocastOff(c10::autocast_dispatch_keyset); }

}  // namespace torchwright::residual
