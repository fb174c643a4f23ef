// Arithmetic that compilers turn into vector instructions, for whichever of them the machine has.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

// The function is compiled for several instruction sets; the machine's best is chosen when the addon loads.
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && __GNUC__ >= 12 && !defined(__clang__)
#define TORCHWRIGHT_VECTOR_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define TORCHWRIGHT_VECTOR_CLONES
#endif
#define TORCHWRIGHT_INLINE [[gnu::always_inline]] inline

namespace torchwright {

// e^x to about 2 units in the last place: 2^n times a polynomial in x - n log 2.
TORCHWRIGHT_INLINE float fast_exp(float x) {
  x = x > 88.0f ? 88.0f : x;
  x = x < -87.0f ? -87.0f : x;
  const int32_t n = static_cast<int32_t>(x * 1.44269504f + (x >= 0 ? 0.5f : -0.5f));
  const float whole = static_cast<float>(n);
  // log 2 in two parts, the first with few bits, so that the difference is exact
  const float r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
  float p = 1.0f / 5040;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r * r + r + 1.0f;
  return p * std::bit_cast<float>((n + 127) << 23);
}
TORCHWRIGHT_INLINE double fast_exp(double x) { return std::exp(x); }

template <typename T>
TORCHWRIGHT_INLINE T sigmoid(T x) {
  return T(1) / (T(1) + fast_exp(-x));
}

template <typename T>
TORCHWRIGHT_INLINE T sum(const T* x, int64_t n) {
  T total = 0;
#pragma omp simd reduction(+ : total)
  for (int64_t i = 0; i < n; ++i) total += x[i];
  return total;
}

template <typename T>
TORCHWRIGHT_INLINE T maximum(const T* x, int64_t n) {
  T high = -std::numeric_limits<T>::infinity();
#pragma omp simd reduction(max : high)
  for (int64_t i = 0; i < n; ++i) high = x[i] > high ? x[i] : high;
  return high;
}

// sum (x - shift)^2
template <typename T>
TORCHWRIGHT_INLINE T sum_of_squares(const T* x, int64_t n, T shift) {
  T total = 0;
#pragma omp simd reduction(+ : total)
  for (int64_t i = 0; i < n; ++i) total += (x[i] - shift) * (x[i] - shift);
  return total;
}

}  // namespace torchwright
