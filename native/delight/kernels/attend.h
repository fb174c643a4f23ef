// Attention of single queries, as decoding asks for: one pass over the keys, one over the values, nothing stored
// between.
#pragma once

#include <cstdint>

namespace torchwright::delight {

// out[r] = softmax(scale * q[r] . keys + bias) . values, with q and out [rows][size]. The rows are shared out evenly
// among the memories; a memory holds `length` tokens of a key and a value side by side, the next begins `memory_stride`
// floats on. bias [memories][length], or null.
struct AttendRows {
  const float* q;
  int64_t rows, size;
  const float* memory;
  int64_t memories, memory_stride, length;
  const float* bias;
  float scale;
  float* out;
};

void attend_rows(const AttendRows& task);

}  // namespace torchwright::delight
