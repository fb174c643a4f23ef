// The layer norm of rows, in one pass over each.
#pragma once

#include <cstdint>

namespace torchwright::delight {

// y = (x - mean) / deviation * gamma + beta for rows x and y [rows][size]. Threads share the rows only where that is
// worth waking them, which libtorch's own does for a handful too.
void layer_norm(const float* x, int64_t rows, int64_t size, const float* gamma, const float* beta, float* y);

}  // namespace torchwright::delight
