// Matrix products of many small matrices, as group linear transforms are made of. A library's product first copies its
// operands into an order of its own, which pays for large matrices only; these are read where they lie.
#pragma once

#include <cstdint>

namespace torchwright {

// c[i][j] = bias[j] + sum over k of a[i][k] b[k][j], of `batch` independent matrices.
struct Gemm {
  int64_t batch, rows, columns, depth;
  // Element [i][k] of matrix n is a[n * a_batch + i * a_row + k * a_depth]: a may be transposed, b and c have their
  // columns side by side.
  const float* a;
  int64_t a_batch, a_row, a_depth;
  const float* b;
  int64_t b_batch, b_depth;
  float* c;
  int64_t c_batch, c_row;
  const float* bias = nullptr;  // the same for all matrices
  bool add = false;             // to what c holds
};

// Whether this machine has the instructions with which the product is faster than a library's. Without them it must not
// be called.
bool gemm_supported();

void gemm(const Gemm& product);

}  // namespace torchwright
