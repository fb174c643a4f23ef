#include "delight/kernels/layer_norm.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "delight/kernels/finish.h"
#include "nn/kernels/vector_math.h"

namespace torchwright::delight {

namespace {

TORCHWRIGHT_VECTOR_CLONES void run(const float* x, int64_t begin, int64_t end, int64_t size, const float* gamma,
                                   const float* beta, float* y) {
  for (int64_t n = begin; n < end; ++n) {
    const float* from = x + n * size;
    float* to = y + n * size;
    const float mean = sum(from, size) / static_cast<float>(size);
    const float variance = sum_of_squares(from, size, mean) / static_cast<float>(size);
    const float rstd = 1 / std::sqrt(variance + static_cast<float>(kNormEpsilon));
    for (int64_t k = 0; k < size; ++k) to[k] = (from[k] - mean) * rstd * gamma[k] + beta[k];
  }
}

}  // namespace

void layer_norm(const float* x, int64_t rows, int64_t size, const float* gamma, const float* beta, float* y) {
  at::parallel_for(0, rows, std::max<int64_t>(1, 131072 / size),
                   [&](int64_t begin, int64_t end) { run(x, begin, end, size, gamma, beta, y); });
}

}  // namespace torchwright::delight
