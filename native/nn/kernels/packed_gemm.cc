#include "nn/kernels/packed_gemm.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <memory>

#include "nn/kernels/vectors.h"

namespace torchwright {

#ifdef TORCHWRIGHT_VECTORS

namespace {

constexpr int kLanes = 16;
constexpr int64_t kTileRows = 12, kTileColumns = 2 * kLanes;
// So deep that a panel of b, and the rows of a that meet it, stay in the caches of a core.
constexpr int64_t kDepth = 512;
constexpr int64_t kBlockRows = 8 * kTileRows;

using V = Vector<kLanes>::Type;

// A tile of c (+)= 12 rows of a times a panel of b [depth, 32]. a's rows are `a_row` apart.
[[gnu::always_inline]] inline void tile(const float* a, int64_t a_row, int64_t a_depth, const float* b, int64_t depth,
                                        float* c, int64_t c_row, bool add) {
  V sums[kTileRows][2] = {};
  // An address reaches three rows from one register; twelve rows would need more registers than there are.
  const float* bases[4] = {a, a + 3 * a_row, a + 6 * a_row, a + 9 * a_row};
  for (int64_t k = 0; k < depth; ++k, b += kTileColumns) {
    const V left = *reinterpret_cast<const V*>(b), right = *reinterpret_cast<const V*>(b + kLanes);
#pragma GCC unroll 12
    for (int r = 0; r < kTileRows; ++r) {
      const float value = bases[r / 3][r % 3 * a_row];
      sums[r][0] += value * left;
      sums[r][1] += value * right;
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) bases[i] += a_depth;
  }
#pragma GCC unroll 12
  for (int r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < 2; ++v) {
      V* to = reinterpret_cast<V*>(c + r * c_row + v * kLanes);
      *to = add ? *to + sums[r][v] : sums[r][v];
    }
  }
}

// Columns [j, j + 32) of `depth` rows of b from row k on, one row after the other; 0 beyond the last column.
TORCHWRIGHT_WIDE void pack_panel(const PackedGemm& x, int64_t k, int64_t depth, int64_t j, float* to) {
  const int64_t columns = std::min(kTileColumns, x.columns - j);
  const float* from = x.b + k * x.b_depth + j * x.b_column;
  if (columns < kTileColumns) std::fill(to, to + depth * kTileColumns, 0.0f);
  if (x.b_column == 1) {
    for (int64_t i = 0; i < depth; ++i) std::copy_n(from + i * x.b_depth, columns, to + i * kTileColumns);
    return;
  }
  for (int64_t i = 0; i < depth; ++i) {
    for (int64_t c = 0; c < columns; ++c) to[i * kTileColumns + c] = from[i * x.b_depth + c * x.b_column];
  }
}

// A block of rows [i, i + count) of a, in tiles of 12 rows of which each k lies together; 0 beyond the last row.
TORCHWRIGHT_WIDE void pack_rows(const PackedGemm& x, int64_t i, int64_t count, int64_t k, int64_t depth, float* to) {
  for (int64_t r = 0; r < count; r += kTileRows, to += depth * kTileRows) {
    const int64_t rows = std::min(kTileRows, count - r);
    const float* from = x.a + (i + r) * x.a_row + k * x.a_depth;
    if (rows < kTileRows) std::fill(to, to + depth * kTileRows, 0.0f);
    for (int64_t d = 0; d < depth; ++d) {
      for (int64_t row = 0; row < rows; ++row) to[d * kTileRows + row] = from[d * x.a_depth + row * x.a_row];
    }
  }
}

// Rows [i, i + count) of the result, of one depth of operands.
TORCHWRIGHT_WIDE void block(const PackedGemm& x, const float* panels, int64_t i, int64_t count, int64_t k,
                            int64_t depth, float* scratch) {
  // Whole tiles of rows that lie in lines of memory are read where they are.
  const bool in_place = x.a_depth == 1 && count % kTileRows == 0;
  if (!in_place) pack_rows(x, i, count, k, depth, scratch);
  const bool add = x.add || k > 0;
  for (int64_t j = 0; j < x.columns; j += kTileColumns) {
    const float* panel = panels + j * depth;
    const int64_t columns = std::min(kTileColumns, x.columns - j);
    for (int64_t r = 0; r < count; r += kTileRows) {
      const int64_t rows = std::min(kTileRows, count - r);
      const float* a = in_place ? x.a + (i + r) * x.a_row + k : scratch + r * depth;
      const int64_t a_row = in_place ? x.a_row : 1, a_depth = in_place ? 1 : kTileRows;
      float* c = x.c + (i + r) * x.c_row + j;
      if (rows == kTileRows && columns == kTileColumns) {
        tile(a, a_row, a_depth, panel, depth, c, x.c_row, add);
        continue;
      }
      float edge[kTileRows * kTileColumns];
      tile(a, a_row, a_depth, panel, depth, edge, kTileColumns, false);
      for (int64_t row = 0; row < rows; ++row) {
        for (int64_t column = 0; column < columns; ++column) {
          const float value = edge[row * kTileColumns + column];
          float& to = c[row * x.c_row + column];
          to = add ? to + value : value;
        }
      }
    }
  }
}

}  // namespace

bool packed_gemm_supported() {
  static const bool supported = __builtin_cpu_supports("x86-64-v4");
  return supported;
}

void packed_gemm(const PackedGemm& x) {
  const int64_t panels = (x.columns + kTileColumns - 1) / kTileColumns;
  const int64_t blocks = (x.rows + kBlockRows - 1) / kBlockRows;
  const std::unique_ptr<float[]> packed(new float[panels * kTileColumns * std::min(kDepth, x.depth)]);
  for (int64_t k = 0; k < x.depth; k += kDepth) {
    const int64_t depth = std::min(kDepth, x.depth - k);
    at::parallel_for(0, panels, std::max<int64_t>(1, (1 << 15) / depth / kTileColumns),
                     [&](int64_t begin, int64_t end) {
                       for (int64_t p = begin; p < end; ++p) {
                         pack_panel(x, k, depth, p * kTileColumns, packed.get() + p * kTileColumns * depth);
                       }
                     });
    const int64_t work = kBlockRows * x.columns * depth;
    at::parallel_for(0, blocks, std::max<int64_t>(1, (1 << 21) / work), [&](int64_t begin, int64_t end) {
      const std::unique_ptr<float[]> scratch(new float[kBlockRows * depth]);
      for (int64_t b = begin; b < end; ++b) {
        const int64_t i = b * kBlockRows;
        block(x, packed.get(), i, std::min(kBlockRows, x.rows - i), k, depth, scratch.get());
      }
    });
  }
}

#else

bool packed_gemm_supported() { return false; }
void packed_gemm(const PackedGemm&) {}

#endif

}  // namespace torchwright
