#include "nn/kernels/few_rows.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "nn/kernels/vectors.h"

namespace torchwright {

#ifdef TORCHWRIGHT_VECTORS

namespace {

struct Task {
  const float* x;
  int64_t rows, in;
  const float* w;
  int64_t out;
  const float* bias;
  float* y;
};

// Outputs whose weights are read together, and most rows that meet them: all sums stay in registers.
constexpr int kOutputs = 4, kRows = 6;

// Memory is asked for the weights this far ahead; by itself the machine follows so short runs too late.
constexpr int64_t kAhead = 2048;

using Four = Vector<4>::Type;

template <int Lanes>
[[gnu::always_inline]] inline Four quarters(const typename Vector<Lanes>::Type& v) {
  if constexpr (Lanes == 16) {
    return quarters<8>(__builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
                       __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15));
  } else {
    return __builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7);
  }
}

// {a0 + a1, a2 + a3, b0 + b1, b2 + b3}
[[gnu::always_inline]] inline Four pairs(const Four& a, const Four& b) {
  return __builtin_shufflevector(a, b, 0, 2, 4, 6) + __builtin_shufflevector(a, b, 1, 3, 5, 7);
}

// y[r][o .. o + kOutputs] for the rows from `first` on.
template <int Lanes, int Rows>
[[gnu::always_inline]] inline void tile(const Task& task, int64_t first, int64_t o) {
  using V = typename Vector<Lanes>::Type;
  const int64_t in = task.in, whole = in / Lanes * Lanes;
  const float* const x = task.x + first * in;
  const float* const w = task.w + o * in;
  V sums[Rows][kOutputs] = {};
  const float* ahead = w + kAhead;
  for (int64_t k = 0; k < whole; k += Lanes) {
    V weights[kOutputs];
#pragma GCC unroll 4
    for (int i = 0; i < kOutputs; ++i) {
      __builtin_prefetch(ahead);
      ahead += Lanes;
      weights[i] = *reinterpret_cast<const V*>(w + i * in + k);
    }
#pragma GCC unroll 6
    for (int r = 0; r < Rows; ++r) {
      const V value = *reinterpret_cast<const V*>(x + r * in + k);
#pragma GCC unroll 4
      for (int i = 0; i < kOutputs; ++i) sums[r][i] += value * weights[i];
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < Rows; ++r) {
    Four total = pairs(pairs(quarters<Lanes>(sums[r][0]), quarters<Lanes>(sums[r][1])),
                       pairs(quarters<Lanes>(sums[r][2]), quarters<Lanes>(sums[r][3])));
    for (int64_t k = whole; k < in; ++k) {
      for (int i = 0; i < kOutputs; ++i) total[i] += x[r * in + k] * w[i * in + k];
    }
    if (task.bias != nullptr) total += *reinterpret_cast<const Four*>(task.bias + o);
    *reinterpret_cast<Four*>(task.y + (first + r) * task.out + o) = total;
  }
}

template <int Lanes, int Rows>
[[gnu::always_inline]] inline void tile_of(int64_t rows, const Task& task, int64_t first, int64_t o) {
  if (rows == Rows) return tile<Lanes, Rows>(task, first, o);
  if constexpr (Rows > 1) tile_of<Lanes, Rows - 1>(rows, task, first, o);
}

// The outputs [begin, end), at most three.
[[gnu::always_inline]] inline void rest(const Task& task, int64_t begin, int64_t end) {
  for (int64_t r = 0; r < task.rows; ++r) {
    for (int64_t o = begin; o < end; ++o) {
      float total = task.bias == nullptr ? 0 : task.bias[o];
#pragma omp simd reduction(+ : total)
      for (int64_t k = 0; k < task.in; ++k) total += task.x[r * task.in + k] * task.w[o * task.in + k];
      task.y[r * task.out + o] = total;
    }
  }
}

template <int Lanes>
[[gnu::always_inline]] inline void outputs(const Task& task, int64_t begin, int64_t end) {
  const int64_t groups = (task.rows + kRows - 1) / kRows;
  // Weights of so many outputs stay in the nearest cache while the rows pass.
  const int64_t step = std::max<int64_t>(kOutputs, 4096 / task.in / kOutputs * kOutputs);
  for (int64_t block = begin; block < end; block += step) {
    const int64_t last = std::min(block + step, end);
    for (int64_t group = 0; group < groups; ++group) {
      const int64_t first = group * task.rows / groups, count = (group + 1) * task.rows / groups - first;
      for (int64_t o = block; o + kOutputs <= last; o += kOutputs) tile_of<Lanes, kRows>(count, task, first, o);
    }
    if ((last - block) % kOutputs != 0) rest(task, last - (last - block) % kOutputs, last);
  }
}

struct Product {
  const float* a;
  int64_t a_row, depth;
  const float* b;
  int64_t columns;
  float* c;
};

// Columns whose sums stay in the nearest cache, and rows of b that are added to them at once.
constexpr int64_t kPanel = 512;
constexpr int kTogether = 4;

// sums += a[.., k .. k + Depth] b[k .. k + Depth, ..] in whole vectors, the last of which may reach beyond a row of b.
template <int Lanes, int Rows, int Depth>
[[gnu::always_inline]] inline void add_rows(const Product& task, int64_t k, int64_t first, int64_t vectors,
                                            float* sums) {
  using V = typename Vector<Lanes>::Type;
  V a[Rows][Depth];
#pragma GCC unroll 6
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
    for (int i = 0; i < Depth; ++i) a[r][i] = V{} + task.a[r * task.a_row + k + i];
  }
  const float* b = task.b + k * task.columns + first;
  const float* ahead = b + kAhead;
  for (int64_t v = 0; v < vectors; ++v, b += Lanes, sums += Lanes) {
    V row[Depth];
#pragma GCC unroll 4
    for (int i = 0; i < Depth; ++i) {
      __builtin_prefetch(ahead);
      ahead += Lanes;
      row[i] = *reinterpret_cast<const V*>(b + i * task.columns);
    }
#pragma GCC unroll 6
    for (int r = 0; r < Rows; ++r) {
      V* to = reinterpret_cast<V*>(sums + r * kPanel);
      V sum = *to;
#pragma GCC unroll 4
      for (int i = 0; i < Depth; ++i) sum += a[r][i] * row[i];
      *to = sum;
    }
  }
}

template <int Lanes, int Rows>
[[gnu::always_inline]] inline void panel(const Product& task, int64_t first, int64_t columns) {
  alignas(64) float sums[Rows * kPanel];
  const int64_t vectors = (columns + Lanes - 1) / Lanes, whole = columns / Lanes;
  for (int r = 0; r < Rows; ++r) std::fill_n(sums + r * kPanel, vectors * Lanes, 0.0F);
  // Beyond any but the last row of b lies the next.
  const int64_t safe = std::max<int64_t>(0, task.depth - 1) / kTogether * kTogether;
  for (int64_t k = 0; k < safe; k += kTogether) add_rows<Lanes, Rows, kTogether>(task, k, first, vectors, sums);
  for (int64_t k = safe; k < task.depth; ++k) {
    add_rows<Lanes, Rows, 1>(task, k, first, whole, sums);
    for (int64_t j = whole * Lanes; j < columns; ++j) {
      for (int r = 0; r < Rows; ++r) {
        sums[r * kPanel + j] += task.a[r * task.a_row + k] * task.b[k * task.columns + first + j];
      }
    }
  }
  for (int r = 0; r < Rows; ++r) std::copy_n(sums + r * kPanel, columns, task.c + r * task.columns + first);
}

template <int Lanes, int Rows>
[[gnu::always_inline]] inline void product_of(int64_t rows, const Product& task) {
  if (rows == Rows) {
    for (int64_t first = 0; first < task.columns; first += kPanel) {
      panel<Lanes, Rows>(task, first, std::min(kPanel, task.columns - first));
    }
    return;
  }
  if constexpr (Rows > 1) product_of<Lanes, Rows - 1>(rows, task);
}

TORCHWRIGHT_WIDE void wide_product(int64_t rows, const Product& task) { product_of<16, kFewestRows>(rows, task); }
TORCHWRIGHT_NARROW void narrow_product(int64_t rows, const Product& task) { product_of<8, kFewestRows>(rows, task); }

TORCHWRIGHT_WIDE void wide_outputs(const Task& task, int64_t begin, int64_t end) { outputs<16>(task, begin, end); }
TORCHWRIGHT_NARROW void narrow_outputs(const Task& task, int64_t begin, int64_t end) { outputs<8>(task, begin, end); }

using Outputs = void (*)(const Task&, int64_t, int64_t);

Outputs best_outputs() {
  if (__builtin_cpu_supports("x86-64-v4")) return wide_outputs;
  if (__builtin_cpu_supports("x86-64-v3")) return narrow_outputs;
  return nullptr;
}

const Outputs run_outputs = best_outputs();
const auto run_product = run_outputs == wide_outputs ? wide_product : narrow_product;

}  // namespace

bool few_rows_supported() { return run_outputs != nullptr; }

void few_rows_linear(const float* x, int64_t rows, int64_t in, const float* w, int64_t out, const float* bias,
                     float* y) {
  const Task task{x, rows, in, w, out, bias, y};
  const int64_t parts = (out + kOutputs - 1) / kOutputs;
  const int64_t work = std::max<int64_t>(rows, 5) * in * kOutputs;  // fewer rows do not read the weight faster
  at::parallel_for(0, parts, std::max<int64_t>(1, (1 << 19) / work), [&](int64_t begin, int64_t end) {
    run_outputs(task, begin * kOutputs, std::min(end * kOutputs, out));
  });
}

void few_rows_product(const float* a, int64_t a_row, int64_t rows, int64_t depth, const float* b, int64_t columns,
                      float* c) {
  run_product(rows, {a, a_row, depth, b, columns, c});
}

#else

bool few_rows_supported() { return false; }
void few_rows_linear(const float*, int64_t, int64_t, const float*, int64_t, const float*, float*) {}
void few_rows_product(const float*, int64_t, int64_t, int64_t, const float*, int64_t, float*) {}

#endif

}  // namespace torchwright
