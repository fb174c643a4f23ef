#include "delight/kernels/cross_entropy.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "nn/kernels/vector_math.h"

namespace torchwright::delight {

namespace {

template <typename T>
TORCHWRIGHT_INLINE T sum_of_exponentials(const T* x, int64_t n, T shift) {
  T total = 0;
#pragma omp simd reduction(+ : total)
  for (int64_t i = 0; i < n; ++i) total += fast_exp(x[i] - shift);
  return total;
}

template <typename T>
TORCHWRIGHT_INLINE void rows_of(T* logits, const int64_t* targets, int64_t size, double smoothing, bool gradient,
                                CrossEntropySums& sums, int64_t begin, int64_t end) {
  const double share = smoothing / static_cast<double>(size);
  for (int64_t n = begin; n < end; ++n) {
    T* x = logits + n * size;
    const int64_t target = targets[n];
    const T high = maximum(x, size);
    const T total = sum_of_exponentials(x, size, high);
    const double log_total = static_cast<double>(high) + std::log(static_cast<double>(total));
    const double nll = log_total - static_cast<double>(x[target]);
    sums.nll += nll;
    sums.loss += nll;
    if (smoothing > 0) {
      const double uniform = static_cast<double>(size) * log_total - static_cast<double>(sum(x, size));
      sums.loss += share * uniform - smoothing * nll;
    }
    if (gradient) {
      const T shift = static_cast<T>(log_total), less = static_cast<T>(share);
      for (int64_t i = 0; i < size; ++i) x[i] = fast_exp(x[i] - shift) - less;
      x[target] -= static_cast<T>(1 - smoothing);
    } else {
      sums.correct += std::find(x, x + size, high) - x == target ? 1 : 0;
    }
  }
}

TORCHWRIGHT_VECTOR_CLONES void run(float* logits, const int64_t* targets, int64_t size, double smoothing, bool gradient,
                                   CrossEntropySums& sums, int64_t begin, int64_t end) {
  rows_of(logits, targets, size, smoothing, gradient, sums, begin, end);
}
TORCHWRIGHT_VECTOR_CLONES void run(double* logits, const int64_t* targets, int64_t size, double smoothing,
                                   bool gradient, CrossEntropySums& sums, int64_t begin, int64_t end) {
  rows_of(logits, targets, size, smoothing, gradient, sums, begin, end);
}

}  // namespace

template <typename T>
CrossEntropySums cross_entropy(T* logits, const int64_t* targets, int64_t rows, int64_t size, double smoothing,
                               bool gradient) {
  std::vector<CrossEntropySums> parts(at::get_num_threads());
  at::parallel_for(0, rows, std::max<int64_t>(1, 32768 / size), [&](int64_t begin, int64_t end) {
    CrossEntropySums sums;
    run(logits, targets, size, smoothing, gradient, sums, begin, end);
    parts[at::get_thread_num()] = sums;
  });
  CrossEntropySums total;
  for (const CrossEntropySums& part : parts) {
    total.loss += part.loss;
    total.nll += part.nll;
    total.correct += part.correct;
  }
  return total;
}

template CrossEntropySums cross_entropy(float*, const int64_t*, int64_t, int64_t, double, bool);
template CrossEntropySums cross_entropy(double*, const int64_t*, int64_t, int64_t, double, bool);

}  // namespace torchwright::delight
