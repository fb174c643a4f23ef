// Products of large float32 matrices: operands are first copied into the order in which tiles of the result read them.
#pragma once

#include <cstdint>

namespace torchwright {

// c (+)= a b. Element [i][k] of a is a[i * a_row + k * a_depth], [k][j] of b is b[k * b_depth + j * b_column]: both may
// be transposed; c has its columns side by side.
struct PackedGemm {
  int64_t rows, columns, depth;
  const float* a;
  int64_t a_row, a_depth;
  const float* b;
  int64_t b_depth, b_column;
  float* c;
  int64_t c_row;
  bool add = false;
};

// Whether this machine has the instructions with which the product is faster than a library's. Without them it must not
// be called.
bool packed_gemm_supported();

void packed_gemm(const PackedGemm& product);

}  // namespace torchwright
