#include "delight/kernels/attend.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "nn/kernels/vector_math.h"

namespace torchwright::delight {

namespace {

TORCHWRIGHT_VECTOR_CLONES void run(const AttendRows& task, float* weights, int64_t begin, int64_t end) {
  const int64_t size = task.size, per_memory = task.rows / task.memories;
  for (int64_t r = begin; r < end; ++r) {
    const int64_t m = r / per_memory;
    const float* memory = task.memory + m * task.memory_stride;
    const float* q = task.q + r * size;
    float* out = task.out + r * size;
    float high = -std::numeric_limits<float>::infinity();
    for (int64_t t = 0; t < task.length; ++t) {
      const float* key = memory + t * 2 * size;
      float score = 0;
#pragma omp simd reduction(+ : score)
      for (int64_t k = 0; k < size; ++k) score += q[k] * key[k];
      score *= task.scale;
      if (task.bias != nullptr) score += task.bias[m * task.length + t];
      weights[t] = score;
      high = std::max(high, score);
    }
    float total = 0;
    for (int64_t t = 0; t < task.length; ++t) total += weights[t] = fast_exp(weights[t] - high);
    for (int64_t k = 0; k < size; ++k) out[k] = 0;
    for (int64_t t = 0; t < task.length; ++t) {
      const float weight = weights[t] / total;
      const float* value = memory + t * 2 * size + size;
      for (int64_t k = 0; k < size; ++k) out[k] += weight * value[k];
    }
  }
}

}  // namespace

void attend_rows(const AttendRows& task) {
  const int64_t work = std::max<int64_t>(1, task.length * task.size);
  at::parallel_for(0, task.rows, std::max<int64_t>(1, (1 << 20) / work), [&](int64_t begin, int64_t end) {
    std::vector<float> weights(task.length);
    run(task, weights.data(), begin, end);
  });
}

}  // namespace torchwright::delight
