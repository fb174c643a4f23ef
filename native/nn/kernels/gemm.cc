#include "nn/kernels/gemm.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "nn/kernels/vectors.h"

namespace torchwright {

#ifdef TORCHWRIGHT_VECTORS

namespace {

struct Operands {
  const float* a;
  int64_t a_row, a_depth;
  const float* b;
  int64_t b_depth;
  float* c;
  int64_t c_row;
  const float* bias;
};

// Memory is asked for b so many rows ahead: panels are too narrow for the machine to follow by itself.
constexpr int64_t kAhead = 16;

// c[0 .. Rows][0 .. Vectors * Lanes] = bias + a b, or += with `add`.
template <int Lanes, int Rows, int Vectors>
[[gnu::always_inline]] inline void tile(const Operands& x, int64_t depth, bool add) {
  using V = typename Vector<Lanes>::Type;
  V sums[Rows][Vectors];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      sums[r][v] = x.bias == nullptr ? V{} : *reinterpret_cast<const V*>(x.bias + v * Lanes);
    }
  }
  // An address reaches three rows from one register; twelve rows would need more registers than there are.
  constexpr int kBases = (Rows + 2) / 3;
  const float* bases[kBases];
#pragma GCC unroll 4
  for (int i = 0; i < kBases; ++i) bases[i] = x.a + 3 * i * x.a_row;
  const int64_t a_row = x.a_row;
  const float* b = x.b;
  for (int64_t k = 0; k < depth; ++k, b += x.b_depth) {
    V row[Vectors];
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      __builtin_prefetch(b + kAhead * x.b_depth + v * Lanes);
      row[v] = *reinterpret_cast<const V*>(b + v * Lanes);
    }
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      const float value = bases[r / 3][r % 3 * a_row];
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) sums[r][v] += value * row[v];
    }
#pragma GCC unroll 4
    for (int i = 0; i < kBases; ++i) bases[i] += x.a_depth;
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      V* to = reinterpret_cast<V*>(x.c + r * x.c_row + v * Lanes);
      *to = add ? *to + sums[r][v] : sums[r][v];
    }
  }
}

// The same for a number of rows known only now, up to `Rows`.
template <int Lanes, int Rows, int Vectors>
[[gnu::always_inline]] inline void tile_of(int64_t rows, const Operands& x, int64_t depth, bool add) {
  if (rows == Rows) return tile<Lanes, Rows, Vectors>(x, depth, add);
  if constexpr (Rows > 1) tile_of<Lanes, Rows - 1, Vectors>(rows, x, depth, add);
}

// The columns from `done` on, fewer than a vector: computed over the last `Lanes`, taken over from where they are new.
template <int Lanes, int Rows>
[[gnu::always_inline]] inline void tail(int64_t rows, int64_t columns, int64_t done, Operands x, int64_t depth,
                                        bool add) {
  float* const c = x.c;
  const int64_t left = columns - done;
  if (columns < Lanes) {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t j = 0; j < columns; ++j) {
        float total = (add ? c[r * x.c_row + j] : 0) + (x.bias == nullptr ? 0 : x.bias[j]);
        for (int64_t k = 0; k < depth; ++k) total += x.a[r * x.a_row + k * x.a_depth] * x.b[k * x.b_depth + j];
        c[r * x.c_row + j] = total;
      }
    }
    return;
  }
  float buffer[Rows * Lanes];
  const int64_t c_row = x.c_row;
  x.b += columns - Lanes;
  if (x.bias != nullptr) x.bias += columns - Lanes;
  x.c = buffer;
  x.c_row = Lanes;
  tile_of<Lanes, Rows, 1>(rows, x, depth, false);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t j = 0; j < left; ++j) {
      float& to = c[r * c_row + done + j];
      const float value = buffer[r * Lanes + Lanes - left + j];
      to = add ? to + value : value;
    }
  }
}

// Lanes of the narrowest vectors.
constexpr int kLeast = 8;

// So deep that a panel of b, and the rows of a it meets, stay in the nearest caches.
constexpr int64_t kDepth = 256;

template <int Lanes, int Rows>
[[gnu::always_inline]] inline void block(const Operands& all, int64_t rows, int64_t columns, int64_t depth, bool onto) {
  for (int64_t k = 0; k < depth; k += kDepth) {
    const int64_t part = std::min(kDepth, depth - k);
    const bool add = onto || k > 0;
    const float* bias = k > 0 ? nullptr : all.bias;
    int64_t j = 0;
    const auto at = [&](int64_t r) __attribute__((always_inline)) {
      return Operands{all.a + r * all.a_row + k * all.a_depth,
                      all.a_row,
                      all.a_depth,
                      all.b + k * all.b_depth + j,
                      all.b_depth,
                      all.c + r * all.c_row + j,
                      all.c_row,
                      bias == nullptr ? nullptr : bias + j};
    };
    if (rows <= Rows / 2) {
      for (; j + 4 * Lanes <= columns; j += 4 * Lanes) tile_of<Lanes, Rows / 2, 4>(rows, at(0), part, add);
    }
    for (; j + 2 * Lanes <= columns; j += 2 * Lanes) {
      for (int64_t r = 0; r < rows; r += Rows) {
        tile_of<Lanes, Rows, 2>(std::min<int64_t>(Rows, rows - r), at(r), part, add);
      }
    }
    for (; j + Lanes <= columns; j += Lanes) {
      for (int64_t r = 0; r < rows; r += Rows) {
        tile_of<Lanes, Rows, 1>(std::min<int64_t>(Rows, rows - r), at(r), part, add);
      }
    }
    if constexpr (Lanes > kLeast) {
      for (; j + kLeast <= columns; j += kLeast) {
        for (int64_t r = 0; r < rows; r += Rows) {
          tile_of<kLeast, Rows, 1>(std::min<int64_t>(Rows, rows - r), at(r), part, add);
        }
      }
    }
    if (j == columns) continue;
    const int64_t done = j;
    j = 0;
    for (int64_t r = 0; r < rows; r += Rows) {
      tail<kLeast, Rows>(std::min<int64_t>(Rows, rows - r), columns, done, at(r), part, add);
    }
  }
}

TORCHWRIGHT_WIDE void wide_block(const Operands& all, int64_t rows, int64_t columns, int64_t depth, bool add) {
  block<16, 12>(all, rows, columns, depth, add);
}
TORCHWRIGHT_NARROW void narrow_block(const Operands& all, int64_t rows, int64_t columns, int64_t depth, bool add) {
  block<8, 6>(all, rows, columns, depth, add);
}

using Block = void (*)(const Operands&, int64_t, int64_t, int64_t, bool);

Block best_block() {
  if (__builtin_cpu_supports("x86-64-v4")) return wide_block;
  if (__builtin_cpu_supports("x86-64-v3")) return narrow_block;
  return nullptr;
}

const Block run_block = best_block();

// A multiple of both tiles' rows.
constexpr int64_t kRows = 96;

}  // namespace

bool gemm_supported() { return run_block == wide_block; }

void gemm(const Gemm& product) {
  const int64_t parts = (product.rows + kRows - 1) / kRows;
  const int64_t work = std::min(kRows, product.rows) * product.columns * product.depth;
  at::parallel_for(0, product.batch * parts, std::max<int64_t>(1, (1 << 23) / std::max<int64_t>(1, work)),
                   [&](int64_t begin, int64_t end) {
                     for (int64_t i = begin; i < end; ++i) {
                       const int64_t n = i / parts, first = i % parts * kRows;
                       run_block({product.a + n * product.a_batch + first * product.a_row, product.a_row,
                                  product.a_depth, product.b + n * product.b_batch, product.b_depth,
                                  product.c + n * product.c_batch + first * product.c_row, product.c_row, product.bias},
                                 std::min(kRows, product.rows - first), product.columns, product.depth, product.add);
                     }
                   });
}

#else

bool gemm_supported() { return false; }
void gemm(const Gemm&) {}

#endif

}  // namespace torchwright
