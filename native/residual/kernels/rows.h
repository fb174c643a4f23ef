// The small steps of decoding's few float32 rows, each in one pass: as chains of operators they take longer to call
// than to compute.
#pragma once

#include <cstdint>

namespace torchwright::residual {

// out = x / sqrt(mean(x^2) + eps) of each row [size].
void unit_rms_rows(const float* x, int64_t rows, int64_t size, double eps, float* out);

// out = silu(gate) * up of rows that hold gate and up side by side: [rows, 2 * size] to [rows, size].
void swiglu_rows(const float* gate_up, int64_t rows, int64_t size, float* out);

// Turns heads [rows, time, heads, 2 * half] by the angles of their positions [rows or 1, time, half].
struct Turn {
  const float* x;
  int64_t rows, time, heads, half;
  const float *cos, *sin;
  bool rows_differ;  // in their angles
  float* out;
};
void turn_rows(const Turn& turn);

}  // namespace torchwright::residual
