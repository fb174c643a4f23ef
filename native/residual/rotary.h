// Rotary position embeddings, in Hugging Face's arrangement: channel i turns with channel i + headDim / 2.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace torchwright::residual {

// How fast each pair of channels turns, as Hugging Face's `rope_parameters` say it.
struct Rope {
  enum class Scaling { kNone, kLinear, kDynamic, kLlama3 };

  double theta;
  Scaling scaling = Scaling::kNone;
  double factor = 1;            // all but kNone
  double low_freq_factor = 1;   // kLlama3
  double high_freq_factor = 4;  // kLlama3
  int64_t original_length = 0;  // kDynamic, kLlama3: the length that the frequencies were made for
};

// cos and sin of every position's angles, each [time, headDim / 2].
struct RotaryTable {
  at::Tensor cos;
  at::Tensor sin;

  // Computed in float32 on the CPU whatever `options` say, then converted, so that it is the same everywhere and equals
  // Hugging Face's. Any length will do: models are used beyond the length that they name as their maximum.
  static RotaryTable make(int64_t time, int64_t head_dim, const Rope& rope, const at::TensorOptions& options);
};

// Turns heads and lays them out for batched products: x [batch, time, kv * group * headDim] (rows may be strided) to
// [batch * kv, time * group, headDim], times `scale`.
at::Tensor rotate(const at::Tensor& x, int64_t kv_heads, const RotaryTable& table, double scale);

}  // namespace torchwright::residual
