// Which type sums are taken in.
#pragma once

#include <c10/core/ScalarType.h>

namespace torchwright {

// float32 for half types, else the type itself.
inline at::ScalarType accumulation_type(at::ScalarType dtype) {
  return dtype == at::kHalf || dtype == at::kBFloat16 ? at::kFloat : dtype;
}

}  // namespace torchwright
