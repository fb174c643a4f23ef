// Sizes, counts and numbers that make a kernel overflow, or loop for ever.
#include <ATen/ops/any.h>
#include <ATen/ops/isfinite.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tensor/guards/checks.h"

namespace torchwright {

namespace {

using torch::jit::Stack;

constexpr int64_t kMostParts = int64_t{1} << 20;
constexpr int64_t kHighestDegree = int64_t{1} << 20;
constexpr int64_t kLargestWindow = std::numeric_limits<int32_t>::max();

// Sizes that libtorch takes as they are: some kernels then count elements with a negative or overflowing product.
void check_sizes(const c10::IValue& value) {
  if (!value.isIntList()) return;
  int64_t count = 1;
  for (const int64_t size : value.toIntVector()) {
    if (size < 0) refuse(code::kShape, "a size is negative: " + std::to_string(size));
    if (__builtin_mul_overflow(count, size, &count) || count > std::numeric_limits<int64_t>::max() / 16) {
      refuse(code::kOutOfMemory, "the sizes ask for more elements than memory can be counted for");
    }
  }
}

template <std::size_t kIndex>
void sizes_at(const Stack& stack) {
  if (stack.size() > kIndex) check_sizes(stack[kIndex]);
}

// set_(self, source, offset, size, stride), among overloads with fewer arguments: the new view is not held against its
// memory.
void source_of_set(const Stack& stack) {
  if (stack.size() < 2) return;
  const at::Tensor self = stack[0].toTensor();
  const at::Tensor source = stack[1].toTensor();
  require(self.layout() == at::kStrided && source.layout() == at::kStrided, "both tensors must be dense");
  if (self.scalar_type() != source.scalar_type()) refuse(code::kDtype, "both tensors must be of one dtype");
  if (stack.size() != 5) return;
  check_sizes(stack[3]);
  const auto sizes = stack[3].toIntVector();
  auto strides = stack[4].toIntVector();
  if (strides.empty()) {
    const auto contiguous = c10::contiguous_strides(sizes);
    strides.assign(contiguous.begin(), contiguous.end());
  }
  require(sizes.size() == strides.size() && stack[2].toInt() >= 0, "sizes, strides and offset do not fit together");
  int64_t last = stack[2].toInt();
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    int64_t reach = 0;
    if (sizes[i] == 0) return;
    const bool fits = strides[i] >= 0 && !__builtin_mul_overflow(sizes[i] - 1, strides[i], &reach) &&
                      !__builtin_add_overflow(last, reach, &last);
    require(fits, "the strides are negative or too large");
  }
  const auto elements = static_cast<int64_t>(source.storage().nbytes() / source.itemsize());
  require(last < elements, "the sizes, strides and offset reach beyond the memory of the source");
}

// (self, r, with_replacement): a grid of r dimensions.
void combinations(const Stack& stack) {
  const int64_t chosen = stack[1].toInt();
  constexpr int64_t kMostChosen = 64;  // libtorch's tensors have no more dimensions
  if (chosen > kMostChosen) refuse(code::kArgument, "r may be " + std::to_string(kMostChosen) + " at most");
}

// (start, end, step, dtype, ...): a step that is no whole number becomes 0 in a whole-number dtype.
void whole_step(const Stack& stack) {
  if (stack.size() < 4 || !stack[2].isScalar() || stack[2].toScalar().isComplex()) return;
  const double step = stack[2].toScalar().toDouble();
  const bool whole = stack[3].isInt() && c10::isIntegralType(static_cast<at::ScalarType>(stack[3].toInt()), true);
  if (whole && std::abs(step) < 1) refuse(code::kArgument, "the step is no whole number, as the dtype asks");
}

// (self[], others[]..., scalars[]): walked by the first's index.
void same_lengths(const Stack& stack) {
  const std::size_t length = stack[0].toListRef().size();
  for (const c10::IValue& value : stack) {
    require(!value.isList() || value.toListRef().size() == length, "all lists must be as long as the first");
  }
}

// The recurrences of orthogonal polynomials take a step for each degree.
void degree(const Stack& stack) {
  double highest = 0;
  if (stack[1].isTensor()) {
    const at::Tensor degrees = stack[1].toTensor();
    if (degrees.numel() == 0 || degrees.is_complex() || !degrees.device().is_cpu()) return;
    highest = degrees.to(at::kDouble).nan_to_num(0.0).max().item<double>();
  } else if (!stack[1].toScalar().isComplex()) {
    highest = stack[1].toScalar().toDouble();
  }
  if (highest > static_cast<double>(kHighestDegree)) {
    refuse(code::kArgument, "the degree of a polynomial may be " + std::to_string(kHighestDegree) + " at most");
  }
}

// The lowest integer has no absolute value: the loop over its bits would not end.
void power(const Stack& stack) {
  if (stack[1].isInt() && stack[1].toInt() == std::numeric_limits<int64_t>::min()) {
    refuse(code::kArgument, "the exponent is out of range");
  }
}

void parts(const Stack& stack) {
  if (stack[1].isInt() && stack[1].toInt() > kMostParts) {
    refuse(code::kArgument, "a tensor is split into " + std::to_string(kMostParts) + " parts at most");
  }
}

// Windows, strides and paddings that are narrowed to 32 bits further down.
void windows(const Stack& stack) {
  const auto check = [](int64_t value) {
    if (value > kLargestWindow || value < -kLargestWindow) {
      refuse(code::kShape, "a size, stride, padding or dilation is out of range: " + std::to_string(value));
    }
  };
  for (const c10::IValue& value : stack) {
    if (value.isInt()) check(value.toInt());
    if (value.isIntList()) {
      for (const int64_t each : value.toIntVector()) check(each);
    }
  }
}

// Loops go over the output's sizes even where one of them is 0.
void adaptive(const Stack& stack) {
  windows(stack);
  const auto sizes = stack[1].toIntVector();
  const bool empty = stack[0].toTensor().numel() == 0 || std::find(sizes.begin(), sizes.end(), 0) != sizes.end();
  int64_t cells = 1;
  for (const int64_t size : sizes) {
    if (size > 0 && (__builtin_mul_overflow(cells, size, &cells) || cells > (empty ? kMostParts : kLargestWindow))) {
      refuse(code::kOutOfMemory, "the output sizes ask for too many elements");
    }
  }
}

// The sampling loop never ends for what is no probability or no count.
void binomial(const Stack& stack) {
  const at::Tensor count = stack[0].toTensor();
  const at::Tensor probability = stack[1].toTensor();
  if (count.is_complex() || probability.is_complex() || !count.device().is_cpu()) return;
  const bool sound = !at::any(at::isfinite(count).logical_not()).item<bool>() && !at::any(count.lt(0)).item<bool>() &&
                     !at::any(probability.ge(0).logical_and(probability.le(1)).logical_not()).item<bool>();
  if (!sound) refuse(code::kArgument, "binomial takes finite counts from 0 on and probabilities from 0 to 1");
}

}  // namespace

const GuardTable& guards_of_sizes() {
  static const GuardTable table{
      {"as_strided", sizes_at<1>},
      {"as_strided_", sizes_at<1>},
      {"as_strided_copy", sizes_at<1>},
      {"as_strided_scatter", sizes_at<2>},
      {"empty_strided", sizes_at<0>},
      {"new_empty_strided", sizes_at<1>},
      {"resize_", sizes_at<1>},
      {"resize", sizes_at<1>},
      {"set_", source_of_set},
      {"combinations", combinations},
      {"_foreach_copy", same_lengths},
      {"_foreach_addcdiv", same_lengths},
      {"_foreach_addcdiv_", same_lengths},
      {"_foreach_addcmul", same_lengths},
      {"_foreach_addcmul_", same_lengths},
      {"range", whole_step},
      {"special_chebyshev_polynomial_t", degree},
      {"special_chebyshev_polynomial_u", degree},
      {"special_chebyshev_polynomial_v", degree},
      {"special_chebyshev_polynomial_w", degree},
      {"special_hermite_polynomial_h", degree},
      {"special_hermite_polynomial_he", degree},
      {"special_laguerre_polynomial_l", degree},
      {"special_legendre_polynomial_p", degree},
      {"special_shifted_chebyshev_polynomial_t", degree},
      {"special_shifted_chebyshev_polynomial_u", degree},
      {"special_shifted_chebyshev_polynomial_v", degree},
      {"special_shifted_chebyshev_polynomial_w", degree},
      {"matrix_power", power},
      {"linalg_matrix_power", power},
      {"tensor_split", parts},
      {"hsplit", parts},
      {"vsplit", parts},
      {"dsplit", parts},
      {"chunk", parts},
      {"unsafe_chunk", parts},
      {"max_pool1d", windows},
      {"max_pool2d", windows},
      {"max_pool3d", windows},
      {"max_pool1d_with_indices", windows},
      {"max_pool2d_with_indices", windows},
      {"max_pool3d_with_indices", windows},
      {"avg_pool1d", windows},
      {"avg_pool2d", windows},
      {"avg_pool3d", windows},
      {"adaptive_avg_pool1d", adaptive},
      {"adaptive_avg_pool2d", adaptive},
      {"adaptive_avg_pool3d", adaptive},
      {"adaptive_max_pool1d", adaptive},
      {"adaptive_max_pool2d", adaptive},
      {"adaptive_max_pool3d", adaptive},
      {"fractional_max_pool2d", windows},
      {"fractional_max_pool3d", windows},
      {"max_unpool2d", windows},
      {"max_unpool3d", windows},
      {"im2col", windows},
      {"col2im", windows},
      {"binomial", binomial},
  };
  return table;
}

}  // namespace torchwright
