// The product of a few rows with a weight: what decoding is made of. Its time is that of reading the weight.
#pragma once

#include <cstdint>

namespace torchwright {

// y = x w^T + bias for rows x [rows][in] and a weight w [out][in], which is read once and not copied. At most kFewRows
// rows; bias may be null.
inline constexpr int64_t kFewRows = 64;
// Whether this machine has the instructions for it. Without them it must not be called.
bool few_rows_supported();
void few_rows_linear(const float* x, int64_t rows, int64_t in, const float* w, int64_t out, const float* bias,
                     float* y);

// c = a b for at most kFewestRows rows a [rows][depth], b [depth][columns] without gaps, and c [rows][columns]: reads b
// from its beginning to its end. `columns` at least kLeastColumns.
inline constexpr int64_t kFewestRows = 6, kLeastColumns = 16;
void few_rows_product(const float* a, int64_t a_row, int64_t rows, int64_t depth, const float* b, int64_t columns,
                      float* c);

}  // namespace torchwright
