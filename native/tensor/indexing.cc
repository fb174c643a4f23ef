#include "tensor/indexing.h"

#include <ATen/TensorIndexing.h>
#include <ATen/core/LegacyTypeDispatch.h>

#include <limits>

#include "runtime/environment.h"
#include "tensor/dtype.h"
#include "tensor/frame.h"
#include "tensor/values.h"

namespace torchwright {

namespace {

using at::indexing::TensorIndex;
using Indices = c10::SmallVector<TensorIndex, 8>;

// How each part of an index begins; lib/tensor/indexing/words.ts writes them.
enum class Word { kInteger, kSlice, kNewAxis, kEllipsis, kBoolean, kTensor };

constexpr std::size_t kFewValues = 24;

bool is_mask(const at::Tensor& index) { return index.scalar_type() == at::kBool; }

// The numbers that describe an index, read in turn.
class Words {
 public:
  Words(Environment& environment, const napi_value* values, std::size_t count)
      : environment_(environment), values_(values), count_(count) {}

  Indices read() {
    Indices indices;
    while (next_ < count_) {
      switch (static_cast<Word>(static_cast<int>(number()))) {
        case Word::kInteger:
          indices.emplace_back(whole());
          break;
        case Word::kSlice: {
          const int64_t start = whole();
          const int64_t stop = whole();
          indices.emplace_back(at::indexing::Slice(start, stop, whole()));
          break;
        }
        case Word::kNewAxis:
          indices.emplace_back(at::indexing::None);
          break;
        case Word::kEllipsis:
          indices.emplace_back(at::indexing::Ellipsis);
          break;
        case Word::kBoolean:
          indices.emplace_back(number() != 0);
          break;
        case Word::kTensor:
          indices.push_back(tensor());
          break;
        default:
          throw Error(code::kArgument, "an index of an unknown kind");
      }
    }
    return indices;
  }

 private:
  double number() {
    double value;
    if (next_ >= count_ || napi_get_value_double(environment_.env(), values_[next_++], &value) != napi_ok) {
      throw Error(code::kArgument, "an index is described by numbers");
    }
    return value;
  }

  // A bound of a slice beyond the range stands for the end.
  int64_t whole() {
    constexpr double kLimit = 9223372036854775808.0;
    const double value = number();
    if (value >= kLimit) return std::numeric_limits<int64_t>::max();
    if (value <= -kLimit) return std::numeric_limits<int64_t>::min();
    return static_cast<int64_t>(value);
  }

  TensorIndex tensor() {
    const at::Tensor& index = environment_.tensors().get(number());
    const at::ScalarType dtype = index.scalar_type();
    if (index.dim() == 0 && at::isIntegralType(dtype, /*includeBool=*/false) && dtype != at::kByte) {
      return index.item<int64_t>();
    }
    // PyTorch takes uint8 for a mask too, and warns of it at every use.
    if (dtype == at::kByte) return index.to(at::kBool);
    if (!is_mask(index) && dtype != at::kLong && dtype != at::kInt) {
      throw Error(code::kDtype,
                  "a tensor used as an index must be of dtype int64, int32, uint8 or bool, not " + dtype_name(dtype));
    }
    return index;
  }

  Environment& environment_;
  const napi_value* values_;
  std::size_t count_;
  std::size_t next_ = 0;
};

int64_t dimensions_of(const TensorIndex& index) {
  if (index.is_tensor()) return is_mask(index.tensor()) ? index.tensor().dim() : 1;
  return index.is_integer() || index.is_slice() ? 1 : 0;
}

void check_bounds(int64_t index, int64_t dimension, int64_t size) {
  if (index >= -size && index < size) return;
  throw Error(code::kShape, "index " + std::to_string(index) + " is out of bounds for dimension " +
                                std::to_string(dimension) + " with size " + std::to_string(size));
}

std::string text_of(at::IntArrayRef sizes) {
  std::string text = "[";
  for (std::size_t i = 0; i < sizes.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(sizes[i]);
  return text + "]";
}

// What libtorch itself does not check, or words by the position in the index instead of the dimension. `tensors`: the
// elements of integer tensors too, which takes a pass over them.
void check(const at::Tensor& self, const Indices& indices, bool tensors) {
  int64_t specified = 0;
  for (const TensorIndex& index : indices) specified += dimensions_of(index);
  if (specified > self.dim()) {
    throw Error(code::kShape, "too many indices: " + std::to_string(specified) + " for a tensor of " +
                                  std::to_string(self.dim()) + " dimensions, of shape " + text_of(self.sizes()));
  }
  int64_t dimension = 0;
  for (const TensorIndex& index : indices) {
    if (index.is_integer()) check_bounds(index.integer().expect_int(), dimension, self.size(dimension));
    if (tensors && index.is_tensor() && !is_mask(index.tensor()) && index.tensor().numel() > 0) {
      check_bounds(index.tensor().min().item().toLong(), dimension, self.size(dimension));
      check_bounds(index.tensor().max().item().toLong(), dimension, self.size(dimension));
    }
    dimension += index.is_ellipsis() ? self.dim() - specified : dimensions_of(index);
  }
}

// On CUDA an index out of bounds, once on the device, ends the use of the device for the whole process: those that come
// from JavaScript are on the CPU, and are looked at before.
bool worth_checking_first(const at::Tensor& self, const Indices& indices) {
  if (self.is_cpu()) return false;
  for (const TensorIndex& index : indices) {
    if (index.is_tensor() && !index.tensor().is_cpu()) return false;
  }
  return true;
}

// Runs the work past autograd where that has nothing to do.
template <typename Work>
void with_checks(const at::Tensor& self, const Indices& indices, bool autograd, Work work) {
  check(self, indices, worth_checking_first(self, indices));
  try {
    std::optional<at::AutoDispatchBelowAutograd> below;
    if (!autograd) below.emplace();
    work();
  } catch (const c10::IndexError&) {
    check(self, indices, self.is_cpu());
    throw;
  }
}

// A number as the assigned value is a tensor of the target's dtype, as in Python; from the CPU it reaches any device.
at::Tensor scalar_value(Environment& environment, napi_value value, const at::Tensor& target) {
  const at::Scalar scalar = to_scalar(environment.env(), value);
  try {
    return at::indexing::scalarToTensor(scalar, target.options(), at::kCPU);
  } catch (const std::exception&) {
    throw Error(code::kDtype, "the assigned number does not fit a tensor of dtype " + dtype_name(target.scalar_type()));
  }
}

// Runs `work(environment, values, count)` with the call's arguments; exceptions become JavaScript's.
template <typename Work>
napi_value with_arguments(napi_env env, napi_callback_info info, Work work) {
  c10::SmallVector<napi_value, kFewValues> values(kFewValues);
  std::size_t count = kFewValues;
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, values.data(), nullptr, &data);
  if (count > kFewValues) {
    values.resize(count);
    napi_get_cb_info(env, info, &count, values.data(), nullptr, nullptr);
  }
  auto& environment = *static_cast<Environment*>(data);
  try {
    try {
      return work(environment, values.data(), count);
    } catch (const Napi::Error&) {
      throw;
    } catch (...) {
      napi_throw(env, environment.make_error(describe_current_exception()));
    }
  } catch (const Napi::Error& error) {
    // Making the error may itself be refused, in a worker that is being ended.
    error.ThrowAsJavaScriptException();
  }
  return nullptr;
}

}  // namespace

napi_value index_tensor(napi_env env, napi_callback_info info) {
  return with_arguments(env, info, [env](Environment& environment, const napi_value* values, std::size_t count) {
    const at::Tensor self = environment.tensor(Napi::Value(env, values[0]));
    const Indices indices = Words(environment, values + 1, count - 1).read();
    at::Tensor result;
    with_checks(self, indices, needs_autograd(self), [&] { result = at::indexing::get_item(self, indices); });
    return give_tensor(environment, result);
  });
}

napi_value assign_indexed(napi_env env, napi_callback_info info) {
  return with_arguments(env, info, [env](Environment& environment, const napi_value* values, std::size_t count) {
    if (count < 3) throw Error(code::kArgument, "assignIndexed: expected a tensor, a value and an index");
    const at::Tensor self = environment.tensor(Napi::Value(env, values[0]));
    at::Tensor value = environment.optional_tensor(Napi::Value(env, values[1]));
    if (!value.defined()) value = scalar_value(environment, values[2], self);
    const Indices indices = Words(environment, values + 3, count - 3).read();
    with_checks(self, indices, needs_autograd(self) || needs_autograd(value),
                [&] { at::indexing::set_item(self, indices, value); });
    return static_cast<napi_value>(nullptr);
  });
}

}  // namespace torchwright
