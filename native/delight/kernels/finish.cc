#include "delight/kernels/finish.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <vector>

#include "nn/kernels/vector_math.h"

namespace torchwright::delight {

namespace {

template <typename T>
TORCHWRIGHT_INLINE T tanh_of(T x) {
  return std::tanh(x);
}

constexpr double kSeluScale = 1.0507009873554804934193349852946, kSeluAlpha = 1.6732632423543772848170429916717;

// Calls `body` with the activation as a function of one number; chosen once a row, not once an element.
template <typename T, typename Body>
TORCHWRIGHT_INLINE void with_activation(Activation activation, Body body) {
  switch (activation) {
    case Activation::kRelu:
      return body([](T x) { return x < 0 ? T(0) : x; }, [](T x) { return x <= 0 ? T(0) : T(1); });
    case Activation::kLeaky:
      return body([](T x) { return x < 0 ? T(0.1) * x : x; }, [](T x) { return x <= 0 ? T(0.1) : T(1); });
    case Activation::kSelu:
      return body([](T x) { return T(kSeluScale) * (x < 0 ? T(kSeluAlpha) * std::expm1(x) : x); },
                  [](T x) { return T(kSeluScale) * (x <= 0 ? T(kSeluAlpha) * std::exp(x) : T(1)); });
    case Activation::kElu:
    case Activation::kCelu:  // equal for alpha = 1
      return body([](T x) { return x < 0 ? std::expm1(x) : x; }, [](T x) { return x <= 0 ? std::exp(x) : T(1); });
    case Activation::kSigmoid:
      return body([](T x) { return sigmoid(x); },
                  [](T x) {
                    const T s = sigmoid(x);
                    return s * (T(1) - s);
                  });
    case Activation::kTanh:
      return body([](T x) { return tanh_of(x); },
                  [](T x) {
                    const T t = tanh_of(x);
                    return T(1) - t * t;
                  });
    case Activation::kGelu:
      return body([](T x) { return x * T(0.5) * (T(1) + std::erf(x * T(0.70710678118654752440))); },
                  [](T x) {
                    const T cdf = T(0.5) * (T(1) + std::erf(x * T(0.70710678118654752440)));
                    return cdf + x * T(0.39894228040143267794) * std::exp(T(-0.5) * x * x);
                  });
    case Activation::kSwish:
      return body([](T x) { return x * sigmoid(x); },
                  [](T x) {
                    const T s = sigmoid(x);
                    return s * (T(1) + x * (T(1) - s));
                  });
    case Activation::kNone:
    case Activation::kPrelu:  // has a parameter: never comes here
      return;
  }
}

// Calls `body` with the number of groups as a constant where it is a usual one (else 0): loops that interleave that
// many groups become vector instructions.
template <typename Body>
TORCHWRIGHT_INLINE void with_groups(int64_t groups, Body body) {
  switch (groups) {
    case 2:
      return body(std::integral_constant<int64_t, 2>());
    case 4:
      return body(std::integral_constant<int64_t, 4>());
    case 8:
      return body(std::integral_constant<int64_t, 8>());
    case 16:
      return body(std::integral_constant<int64_t, 16>());
    default:
      return body(std::integral_constant<int64_t, 0>());
  }
}

// row[k * groups + i] = parts[i * stride + k], k < size.
template <typename T>
TORCHWRIGHT_INLINE void interleave(const T* parts, int64_t stride, int64_t groups, int64_t size, T* row) {
  with_groups(groups, [&](auto constant) __attribute__((always_inline)) {
    const int64_t count = constant() == 0 ? groups : constant();
    for (int64_t k = 0; k < size; ++k) {
      for (int64_t i = 0; i < count; ++i) row[k * count + i] = parts[i * stride + k];
    }
  });
}

// The reverse.
template <typename T>
TORCHWRIGHT_INLINE void separate(const T* row, int64_t groups, int64_t size, T* parts, int64_t stride) {
  with_groups(groups, [&](auto constant) __attribute__((always_inline)) {
    const int64_t count = constant() == 0 ? groups : constant();
    for (int64_t k = 0; k < size; ++k) {
      for (int64_t i = 0; i < count; ++i) parts[i * stride + k] = row[k * count + i];
    }
  });
}

// Row n of the products with the bias, in the order after the shuffle; `bias` is in that order too.
template <typename T>
TORCHWRIGHT_INLINE void gather(const FinishPass<T>& pass, const T* bias, int64_t n, T* row) {
  const int64_t size = pass.group_out, groups = pass.groups, stride = pass.rows * size;
  const T* y = pass.y + n * size;
  if (pass.shuffle) {
    interleave(y, stride, groups, size, row);
  } else {
    for (int64_t i = 0; i < groups; ++i) std::memcpy(row + i * size, y + i * stride, size * sizeof(T));
  }
  if (bias == nullptr) return;
  for (int64_t j = 0; j < groups * size; ++j) row[j] += bias[j];
}

// The bias in the order after the shuffle, in `buffer`; null where there is none.
template <typename T>
TORCHWRIGHT_INLINE const T* ordered_bias(const FinishPass<T>& pass, std::vector<T>& buffer) {
  if (pass.bias == nullptr || !pass.shuffle) return pass.bias;
  buffer.resize(pass.out());
  interleave(pass.bias, pass.group_out, pass.groups, pass.group_out, buffer.data());
  return buffer.data();
}

// The layer norm of each slice of a row.
template <typename T>
TORCHWRIGHT_INLINE void normalise(const FinishPass<T>& pass, int64_t n, T* row) {
  const int64_t size = pass.group_out;
  const T *gamma = pass.gamma, *beta = pass.beta;
  for (int64_t slice = 0; slice < pass.groups; ++slice) {
    T* x = row + slice * size;
    const T mean = sum(x, size) / static_cast<T>(size);
    const T variance = sum_of_squares(x, size, mean) / static_cast<T>(size);
    const T rstd = T(1) / std::sqrt(variance + static_cast<T>(kNormEpsilon));
    for (int64_t k = 0; k < size; ++k) x[k] = (x[k] - mean) * rstd * gamma[k] + beta[k];
    pass.mean[n * pass.groups + slice] = mean;
    pass.rstd[n * pass.groups + slice] = rstd;
  }
}

// With the statistics known: the row without gamma and beta, and the whole layer norm.
template <typename T>
TORCHWRIGHT_INLINE void normalise_again(const FinishPass<T>& pass, int64_t n, T* row, T* normed) {
  const int64_t size = pass.group_out;
  const T *gamma = pass.gamma, *beta = pass.beta;
  for (int64_t slice = 0; slice < pass.groups; ++slice) {
    T *x = row + slice * size, *z = normed + slice * size;
    const T mean = pass.mean[n * pass.groups + slice], rstd = pass.rstd[n * pass.groups + slice];
    for (int64_t k = 0; k < size; ++k) {
      x[k] = (x[k] - mean) * rstd;
      z[k] = x[k] * gamma[k] + beta[k];
    }
  }
}

template <typename T>
TORCHWRIGHT_INLINE void forward_rows(const FinishPass<T>& pass, T* mixed, int64_t begin, int64_t end) {
  const int64_t out = pass.out();
  const int64_t proj = pass.u == nullptr ? 0 : pass.proj;
  const int64_t u_slice = proj / pass.next_groups, h_slice = out / pass.next_groups, width = u_slice + h_slice;
  std::vector<T> buffer(out), bias_buffer;
  T* row = buffer.data();
  const T* bias = ordered_bias(pass, bias_buffer);
  for (int64_t n = begin; n < end; ++n) {
    gather(pass, bias, n, row);
    if (pass.gamma != nullptr) normalise(pass, n, row);
    with_activation<T>(pass.activation, [&](auto value, auto) __attribute__((always_inline)) {
      for (int64_t j = 0; j < out; ++j) row[j] = value(row[j]);
    });
    if (pass.mask != nullptr) {
      const T* mask = pass.mask + n * out;
      for (int64_t j = 0; j < out; ++j) row[j] *= mask[j];
    }
    for (int64_t group = 0; group < pass.next_groups; ++group) {
      T* to = mixed + (group * pass.rows + n) * width;
      if (u_slice > 0) std::memcpy(to, pass.u + n * proj + group * u_slice, u_slice * sizeof(T));
      std::memcpy(to + u_slice, row + group * h_slice, h_slice * sizeof(T));
    }
  }
}

// `partial`: this thread's sums, of dbias in the order after the shuffle [out], dgamma and dbeta [group_out].
template <typename T>
TORCHWRIGHT_INLINE void backward_rows(const FinishPass<T>& pass, const T* dmixed, const FinishGradients<T>& gradients,
                                      T* partial, int64_t begin, int64_t end) {
  const int64_t size = pass.group_out, out = pass.out(), groups = pass.groups;
  const int64_t proj = gradients.du == nullptr ? 0 : pass.proj;
  const int64_t u_slice = proj / pass.next_groups, h_slice = out / pass.next_groups, width = u_slice + h_slice;
  T *const dbias = partial, *const dgamma = partial + out, *const dbeta = dgamma + size;
  std::vector<T> buffer(3 * out), bias_buffer;
  const T* bias = ordered_bias(pass, bias_buffer);
  T *const row = buffer.data(), *const grad = row + out, *const z = grad + out;
  for (int64_t n = begin; n < end; ++n) {
    for (int64_t group = 0; group < pass.next_groups; ++group) {
      const T* from = dmixed + (group * pass.rows + n) * width;
      std::memcpy(grad + group * h_slice, from + u_slice, h_slice * sizeof(T));
      if (u_slice == 0) continue;
      T* du = gradients.du + n * proj + group * u_slice;
      if (gradients.accumulate_du) {
        for (int64_t k = 0; k < u_slice; ++k) du[k] += from[k];
      } else {
        std::memcpy(du, from, u_slice * sizeof(T));
      }
    }
    if (pass.mask != nullptr) {
      const T* mask = pass.mask + n * out;
      for (int64_t j = 0; j < out; ++j) grad[j] *= mask[j];
    }
    const bool norm = pass.gamma != nullptr;
    if (norm || pass.activation != Activation::kNone) gather(pass, bias, n, row);
    if (norm) normalise_again(pass, n, row, z);
    with_activation<T>(pass.activation, [&](auto, auto slope) __attribute__((always_inline)) {
      const T* at = norm ? z : row;
      for (int64_t j = 0; j < out; ++j) grad[j] *= slope(at[j]);
    });
    if (norm) {
      for (int64_t slice = 0; slice < groups; ++slice) {
        T* g = grad + slice * size;
        const T* unit = row + slice * size;
        T mean = 0, projection = 0;
#pragma omp simd reduction(+ : mean, projection)
        for (int64_t k = 0; k < size; ++k) {
          dgamma[k] += g[k] * unit[k];
          dbeta[k] += g[k];
          g[k] *= pass.gamma[k];
          mean += g[k];
          projection += g[k] * unit[k];
        }
        mean /= static_cast<T>(size);
        projection /= static_cast<T>(size);
        const T rstd = pass.rstd[n * groups + slice];
        for (int64_t k = 0; k < size; ++k) g[k] = rstd * (g[k] - mean - unit[k] * projection);
      }
    }
    if (gradients.dbias != nullptr) {
      for (int64_t j = 0; j < out; ++j) dbias[j] += grad[j];
    }
    T* const dy = gradients.dy + n * size;
    const int64_t stride = pass.rows * size;
    if (pass.shuffle) {
      separate(grad, groups, size, dy, stride);
    } else {
      for (int64_t i = 0; i < groups; ++i) std::memcpy(dy + i * stride, grad + i * size, size * sizeof(T));
    }
  }
}

TORCHWRIGHT_VECTOR_CLONES void forward(const FinishPass<float>& pass, float* mixed, int64_t begin, int64_t end) {
  forward_rows(pass, mixed, begin, end);
}
TORCHWRIGHT_VECTOR_CLONES void forward(const FinishPass<double>& pass, double* mixed, int64_t begin, int64_t end) {
  forward_rows(pass, mixed, begin, end);
}
TORCHWRIGHT_VECTOR_CLONES void backward(const FinishPass<float>& pass, const float* dmixed,
                                        const FinishGradients<float>& gradients, float* partial, int64_t begin,
                                        int64_t end) {
  backward_rows(pass, dmixed, gradients, partial, begin, end);
}
TORCHWRIGHT_VECTOR_CLONES void backward(const FinishPass<double>& pass, const double* dmixed,
                                        const FinishGradients<double>& gradients, double* partial, int64_t begin,
                                        int64_t end) {
  backward_rows(pass, dmixed, gradients, partial, begin, end);
}

// So many rows that a part is worth waking a thread for.
int64_t grain(int64_t features) { return std::max<int64_t>(1, 131072 / features); }

}  // namespace

template <typename T>
void finish_forward(const FinishPass<T>& pass, T* mixed) {
  at::parallel_for(0, pass.rows, grain(pass.out()),
                   [&](int64_t begin, int64_t end) { forward(pass, mixed, begin, end); });
}

template <typename T>
void finish_backward(const FinishPass<T>& pass, const T* dmixed, const FinishGradients<T>& gradients) {
  const int64_t size = pass.group_out, out = pass.out(), length = out + 2 * size;
  const int64_t threads = at::get_num_threads();
  std::vector<T> partial(threads * length, T(0));
  at::parallel_for(0, pass.rows, grain(out), [&](int64_t begin, int64_t end) {
    backward(pass, dmixed, gradients, partial.data() + at::get_thread_num() * length, begin, end);
  });
  for (int64_t thread = 1; thread < threads; ++thread) {
    for (int64_t k = 0; k < length; ++k) partial[k] += partial[thread * length + k];
  }
  if (gradients.dbias != nullptr) {
    for (int64_t i = 0; i < pass.groups; ++i) {
      for (int64_t k = 0; k < size; ++k) {
        gradients.dbias[i * size + k] = partial[pass.shuffle ? k * pass.groups + i : i * size + k];
      }
    }
  }
  if (gradients.dgamma != nullptr) std::copy_n(partial.data() + out, size, gradients.dgamma);
  if (gradients.dbeta != nullptr) std::copy_n(partial.data() + out + size, size, gradients.dbeta);
}

template void finish_forward(const FinishPass<float>&, float*);
template void finish_forward(const FinishPass<double>&, double*);
template void finish_backward(const FinishPass<float>&, const float*, const FinishGradients<float>&);
template void finish_backward(const FinishPass<double>&, const double*, const FinishGradients<double>&);

}  // namespace torchwright::delight
