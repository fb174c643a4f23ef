#include "residual/kernels/rows.h"

#include "nn/kernels/vector_math.h"

namespace torchwright::residual {

TORCHWRIGHT_VECTOR_CLONES void unit_rms_rows(const float* x, int64_t rows, int64_t size, double eps, float* out) {
  for (int64_t r = 0; r < rows; ++r) {
    const float mean = sum_of_squares(x + r * size, size, 0.0f) / static_cast<float>(size);
    const float scale = 1 / std::sqrt(mean + static_cast<float>(eps));
    for (int64_t i = 0; i < size; ++i) out[r * size + i] = x[r * size + i] * scale;
  }
}

TORCHWRIGHT_VECTOR_CLONES void swiglu_rows(const float* gate_up, int64_t rows, int64_t size, float* out) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* gate = gate_up + r * 2 * size;
    const float* up = gate + size;
    for (int64_t i = 0; i < size; ++i) out[r * size + i] = gate[i] * sigmoid(gate[i]) * up[i];
  }
}

TORCHWRIGHT_VECTOR_CLONES void turn_rows(const Turn& turn) {
  const int64_t half = turn.half;
  for (int64_t r = 0; r < turn.rows; ++r) {
    for (int64_t t = 0; t < turn.time; ++t) {
      const int64_t place = ((turn.rows_differ ? r * turn.time : 0) + t) * half;
      const float *cos = turn.cos + place, *sin = turn.sin + place;
      for (int64_t h = 0; h < turn.heads; ++h) {
        const int64_t head = ((r * turn.time + t) * turn.heads + h) * 2 * half;
        const float *first = turn.x + head, *second = first + half;
        float* to = turn.out + head;
        for (int64_t i = 0; i < half; ++i) {
          to[i] = first[i] * cos[i] - second[i] * sin[i];
          to[half + i] = second[i] * cos[i] + first[i] * sin[i];
        }
      }
    }
  }
}

}  // namespace torchwright::residual
