#include "nn/kernels/log_sum.h"

#include "nn/kernels/vector_math.h"

namespace torchwright {

TORCHWRIGHT_VECTOR_CLONES float log_sum(const float* x, int64_t size) {
  const float high = maximum(x, size);
  float total = 0;
#pragma omp simd reduction(+ : total)
  for (int64_t i = 0; i < size; ++i) total += fast_exp(x[i] - high);
  return high + std::log(total);
}

}  // namespace torchwright
