#include "tensor/guards.h"

#include <ATen/ops/any.h>
#include <ATen/ops/isfinite.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/errors.h"

namespace torchwright {

namespace {

using torch::jit::Stack;

constexpr int64_t kMostParts = int64_t{1} << 20;
constexpr int64_t kHighestDegree = int64_t{1} << 20;
constexpr int64_t kLargestWindow = std::numeric_limits<int32_t>::max();

[[noreturn]] void refuse(const char* code, const std::string& message) { throw Error(code, message); }

void require(bool holds, const char* message) {
  if (!holds) refuse(code::kShape, message);
}

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

bool all_finite(const at::Tensor& tensor) {
  return tensor.numel() == 0 || !tensor.device().is_cpu() || at::isfinite(tensor.detach()).all().item<bool>();
}

// LAPACK's balancing loses its way among NaNs.
void finite_matrix(const Stack& stack) {
  const at::Tensor matrix = stack[0].toTensor();
  if (matrix.layout() == at::kStrided && !all_finite(matrix)) {
    refuse(code::kArgument, "the matrix holds a NaN or an infinity");
  }
}

// Row exchanges by pivots, which LAPACK follows without a look at their range. Those of LU are from 1 to the number of
// rows.
void check_pivots(const at::Tensor& pivots, int64_t rows) {
  if (pivots.scalar_type() != at::kInt || pivots.numel() == 0 || !pivots.device().is_cpu()) return;
  require(pivots.min().item<int64_t>() >= 1 && pivots.max().item<int64_t>() <= rows, "a pivot is out of range");
}

// (LU_data, LU_pivots, unpack_data, unpack_pivots): the pivots are followed without a look at their shape and range.
void lu_unpack(const Stack& stack) {
  const at::Tensor lu = stack[0].toTensor();
  const at::Tensor pivots = stack[1].toTensor();
  if (lu.dim() < 2 || !stack[3].toBool()) return;
  const int64_t rows = lu.size(-2);
  auto wanted = lu.sizes().slice(0, lu.dim() - 2).vec();
  wanted.push_back(std::min(rows, lu.size(-1)));
  require(pivots.sizes() == at::IntArrayRef(wanted), "the pivots must have the shape of the matrices' diagonals");
  check_pivots(pivots, rows);
}

// (B, LU, pivots) or (LU, pivots, B)
template <std::size_t kMatrix>
void lu_solve(const Stack& stack) {
  const at::Tensor lu = stack[kMatrix].toTensor();
  if (lu.dim() >= 2) check_pivots(stack[kMatrix + 1].toTensor(), lu.size(-2));
}

// (LD, pivots, B): a negative pivot belongs to a block of two rows.
void ldl_solve(const Stack& stack) {
  const at::Tensor pivots = stack[1].toTensor();
  if (pivots.dim() == 0 || pivots.scalar_type() != at::kInt || !pivots.device().is_cpu()) return;
  const int64_t rows = pivots.size(-1);
  const at::Tensor flat = pivots.contiguous();
  const int32_t* values = flat.const_data_ptr<int32_t>();
  for (int64_t start = 0; rows > 0 && start < flat.numel(); start += rows) {
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t pivot = values[start + row];
      require(pivot != 0 && std::abs(pivot) <= rows, "a pivot is out of range");
      if (pivot > 0) continue;
      require(row + 1 < rows && values[start + row + 1] < 0 && -int64_t{values[start + row + 1]} <= rows,
              "negative pivots must come in pairs");
      ++row;
    }
  }
}

// (start, end, step, dtype, ...): a step that is no whole number becomes 0 in a whole-number dtype.
void whole_step(const Stack& stack) {
  if (stack.size() < 4 || !stack[2].isScalar() || stack[2].toScalar().isComplex()) return;
  const double step = stack[2].toScalar().toDouble();
  const bool whole = stack[3].isInt() && c10::isIntegralType(static_cast<at::ScalarType>(stack[3].toInt()), true);
  if (whole && std::abs(step) < 1) refuse(code::kArgument, "the step is no whole number, as the dtype asks");
}

// (self[], src[], ...)
void same_lengths(const Stack& stack) {
  require(stack[0].toListRef().size() == stack[1].toListRef().size(), "both lists must have the same length");
}

// The derivative of no distances reads rows that are not there.
void distances(const Stack& stack) {
  const at::Tensor self = stack[0].toTensor();
  if (self.dim() > 0 && self.size(0) == 0 && self.requires_grad()) {
    refuse(code::kShape, "there is no derivative of the distances of no rows");
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
  int64_t cells = 1;
  for (const int64_t size : stack[1].toIntVector()) {
    if (size > 0 && (__builtin_mul_overflow(cells, size, &cells) || cells > kLargestWindow)) {
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

// (query, key, value, mask, dropout, causal, scale, enable_gqa): heads are divided by the key's.
void grouped_attention(const Stack& stack) {
  if (stack.size() < 8 || !stack[7].toBool()) return;
  for (std::size_t i = 0; i < 3; ++i) {
    const at::Tensor tensor = stack[i].toTensor();
    require(tensor.dim() >= 3 && tensor.size(-3) > 0, "grouped attention needs [..., heads, time, size] with heads");
  }
}

// A parameter of one number for each channel, or nothing.
bool per_channel(const c10::IValue& value, int64_t channels) {
  if (value.isNone()) return true;
  const at::Tensor tensor = value.toTensor();
  return !tensor.defined() || tensor.numel() == channels;
}

// (input, weight, bias, N, C, HxW, group, eps)
void native_group_norm(const Stack& stack) {
  const at::Tensor input = stack[0].toTensor();
  const int64_t batch = stack[3].toInt(), channels = stack[4].toInt(), inner = stack[5].toInt(),
                group = stack[6].toInt();
  int64_t count = 0;
  const bool fits = batch >= 0 && channels > 0 && inner >= 0 && group > 0 && channels % group == 0 &&
                    !__builtin_mul_overflow(batch, channels, &count) && !__builtin_mul_overflow(count, inner, &count) &&
                    count == input.numel();
  require(fits, "N, C and HxW must multiply to the input's elements, and the groups must divide C");
  require(per_channel(stack[1], channels) && per_channel(stack[2], channels), "weight and bias must hold C numbers");
}

// (input, weight?, bias?, running_mean?, running_var?, ...)
void native_batch_norm(const Stack& stack) {
  const at::Tensor input = stack[0].toTensor();
  require(input.dim() >= 2 && input.size(1) > 0, "the input must be [batch, channel, ...] with channels");
  for (std::size_t i = 1; i < 5; ++i) {
    require(per_channel(stack[i], input.size(1)),
            "weight, bias and running statistics must hold a number for each channel");
  }
}

// (input, running_mean?, running_var?, momentum)
void batch_norm_update_stats(const Stack& stack) {
  const at::Tensor input = stack[0].toTensor();
  require(input.dim() >= 2 && input.size(1) > 0, "the input must be [batch, channel, ...] with channels");
  for (std::size_t i = 1; i < 3; ++i) {
    const bool there = !stack[i].isNone() && stack[i].toTensor().defined();
    require(there && stack[i].toTensor().numel() == input.size(1),
            "running statistics must hold a number for each channel");
  }
}

// (input, hx or hx[], params[], has_biases, num_layers, dropout, train, bidirectional, ...) or with batch sizes before
// hx. Weights are looked up by layer and direction without asking whether there are so many.
void recurrent(const Stack& stack) {
  const bool packed = stack[1].isTensor() && (stack[2].isTensorList() || stack[2].isTensor());
  const bool with_sizes = packed && stack[3].isTensorList();
  const at::Tensor input = stack[0].toTensor();
  const c10::IValue& hidden = stack[with_sizes ? 2 : 1];
  const auto weights = stack[with_sizes ? 3 : 2].toTensorVector();
  const bool biases = stack[with_sizes ? 4 : 3].toBool();
  const int64_t layers = stack[with_sizes ? 5 : 4].toInt();
  const bool both_ways = stack[with_sizes ? 8 : 7].toBool();
  require(input.dim() == (with_sizes ? 2 : 3) || (!with_sizes && input.dim() == 2),
          "the input has a wrong number of dimensions");
  const auto states = hidden.isTensorList() ? hidden.toTensorVector() : std::vector<at::Tensor>{hidden.toTensor()};
  require(!hidden.isTensorList() || states.size() == 2, "an LSTM has two hidden states");
  for (const at::Tensor& state : states)
    require(state.dim() == input.dim() || state.dim() == 3, "a hidden state has a wrong shape");
  const int64_t most = int64_t{1} << 20;
  require(layers > 0 && layers < most, "numLayers must be positive");
  const auto sets = static_cast<std::size_t>(layers * (both_ways ? 2 : 1));
  const std::size_t each = biases ? 4 : 2;
  const bool projected = hidden.isTensorList() && weights.size() == sets * (each + 1);
  require(weights.size() == sets * each || projected, "the number of weights does not fit the layers and directions");
  for (const at::Tensor& state : states)
    require(state.size(0) == static_cast<int64_t>(sets), "a hidden state has a wrong shape");
  for (const at::Tensor& weight : weights) {
    require(weight.defined() && (weight.dim() == 1 || weight.dim() == 2), "a weight has a wrong shape");
  }
}

const std::unordered_map<std::string_view, Guard>& guards() {
  static const std::unordered_map<std::string_view, Guard> map{
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
      {"linalg_eig", finite_matrix},
      {"linalg_eigvals", finite_matrix},
      {"lu_unpack", lu_unpack},
      {"lu_solve", lu_solve<1>},
      {"linalg_lu_solve", lu_solve<0>},
      {"linalg_ldl_solve", ldl_solve},
      {"_foreach_copy", same_lengths},
      {"range", whole_step},
      {"pdist", distances},
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
      {"scaled_dot_product_attention", grouped_attention},
      {"native_group_norm", native_group_norm},
      {"native_batch_norm", native_batch_norm},
      {"batch_norm_update_stats", batch_norm_update_stats},
      {"lstm", recurrent},
      {"gru", recurrent},
      {"rnn_tanh", recurrent},
      {"rnn_relu", recurrent},
  };
  return map;
}

}  // namespace

Guard guard_of(const std::string& name) {
  constexpr std::string_view library = "aten::";
  if (name.rfind(library, 0) != 0) return nullptr;
  const auto found = guards().find(std::string_view(name).substr(library.size()));
  return found == guards().end() ? nullptr : found->second;
}

void check_call(const std::string& name, const Stack& stack) {
  const Guard guard = guard_of(name);
  if (guard == nullptr) return;
  try {
    guard(stack);
  } catch (const Error& error) {
    throw Error(error.code, name + ": " + error.what());
  }
}

}  // namespace torchwright
