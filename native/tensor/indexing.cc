#include "tensor/indexing.h"

#include <ATen/TensorIndexing.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/alias.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

#include "runtime/environment.h"
#include "runtime/export.h"
#include "tensor/dtype.h"
#include "tensor/frame.h"
#include "tensor/values.h"

namespace torchwright {

namespace {

// How each part of an index begins; lib/tensor/indexing/words.ts writes them.
enum class Word { kInteger, kSlice, kNewAxis, kEllipsis, kBoolean, kTensor };

constexpr std::size_t kFewValues = 24;

struct Part {
  Word word = Word::kNewAxis;
  int64_t start = 0;  // also the position, and 0 or 1 for a boolean
  int64_t stop = 0;
  int64_t step = 1;
  at::Tensor tensor;
};
using Parts = c10::SmallVector<Part, 4>;

bool is_mask(const at::Tensor& index) { return index.scalar_type() == at::kBool; }

// The numbers that describe an index, read in turn.
class Words {
 public:
  Words(Environment& environment, const napi_value* values, std::size_t count)
      : environment_(environment), values_(values), count_(count) {}

  Parts read() {
    Parts parts;
    while (next_ < count_) {
      Part& part = parts.emplace_back();
      const double word = number();
      if (!(word >= 0 && word <= static_cast<double>(Word::kTensor))) {
        throw Error(code::kArgument, "an index of an unknown kind");
      }
      part.word = static_cast<Word>(static_cast<int>(word));
      if (part.word == Word::kTensor) {
        read_tensor(part);
      } else if (part.word == Word::kSlice) {
        part.start = whole();
        part.stop = whole();
        part.step = whole();
      } else if (part.word == Word::kInteger || part.word == Word::kBoolean) {
        part.start = whole();
      }
    }
    return parts;
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

  void read_tensor(Part& part) {
    const at::Tensor& index = environment_.tensors().get(number());
    const at::ScalarType dtype = index.scalar_type();
    if (index.dim() == 0 && at::isIntegralType(dtype, /*includeBool=*/true)) {
      // Without dimensions it counts as the number or boolean it holds.
      part.word = dtype == at::kBool || dtype == at::kByte ? Word::kBoolean : Word::kInteger;
      part.start = index.item().toLong();
      if (part.word == Word::kBoolean) part.start = part.start != 0;
    } else if (dtype == at::kByte) {
      part.tensor = index.to(at::kBool);  // PyTorch takes uint8 for a mask too, and warns of it at every use
    } else if (dtype == at::kBool || dtype == at::kLong || dtype == at::kInt) {
      part.tensor = index;
    } else {
      throw Error(code::kDtype,
                  "a tensor used as an index must be of dtype int64, int32, uint8 or bool, not " + dtype_name(dtype));
    }
  }

  Environment& environment_;
  const napi_value* values_;
  std::size_t count_;
  std::size_t next_ = 0;
};

int64_t dimensions_of(const Part& part) {
  if (part.word == Word::kTensor) return is_mask(part.tensor) ? part.tensor.dim() : 1;
  return part.word == Word::kInteger || part.word == Word::kSlice ? 1 : 0;
}

// Of all parts: what is left is the ellipsis'.
int64_t check_dimensions(const at::Tensor& self, const Parts& parts) {
  int64_t specified = 0;
  for (const Part& part : parts) specified += dimensions_of(part);
  if (specified <= self.dim()) return specified;
  throw Error(code::kShape, "too many indices: " + std::to_string(specified) + " for a tensor of " +
                                std::to_string(self.dim()) + " dimensions, of shape " + c10::str(self.sizes()));
}

void check_bounds(int64_t index, int64_t dimension, int64_t size) {
  if (index >= -size && index < size) return;
  throw Error(code::kShape, "index " + std::to_string(index) + " is out of bounds for dimension " +
                                std::to_string(dimension) + " with size " + std::to_string(size));
}

// Takes a pass over the elements of integer tensors: libtorch's own words count only dimensions that have such indices.
void check_elements(const at::Tensor& self, const Parts& parts) {
  const int64_t specified = check_dimensions(self, parts);
  int64_t dimension = 0;
  for (const Part& part : parts) {
    if (part.word == Word::kTensor && !is_mask(part.tensor) && part.tensor.numel() > 0) {
      check_bounds(part.tensor.min().item().toLong(), dimension, self.size(dimension));
      check_bounds(part.tensor.max().item().toLong(), dimension, self.size(dimension));
    }
    dimension += part.word == Word::kEllipsis ? self.dim() - specified : dimensions_of(part);
  }
}

// On CUDA an index out of bounds, once on the device, ends the use of the device for the whole process: those that come
// from JavaScript are on the CPU, and are looked at before.
bool worth_checking_first(const at::Tensor& self, const Parts& parts) {
  if (self.is_cpu()) return false;
  return std::all_of(parts.begin(), parts.end(),
                     [](const Part& part) { return part.word != Word::kTensor || part.tensor.is_cpu(); });
}

// What the parts that give a view leave, and the indices of its dimensions that copy; none for most.
struct Applied {
  at::Tensor view;
  std::vector<at::Tensor> indices;  // undefined for dimensions taken whole
};

Applied apply(const at::Tensor& self, const Parts& parts) {
  const int64_t rest = self.dim() - check_dimensions(self, parts);
  Applied applied{self, {}};
  int64_t source = 0;     // dimension of self
  int64_t dimension = 0;  // of the view
  std::size_t place = 0;  // among the indices, where a mask of several dimensions has one
  const auto add_index = [&](at::Tensor index) {
    applied.indices.resize(place++);
    applied.indices.push_back(std::move(index));
  };
  for (const Part& part : parts) {
    switch (part.word) {
      case Word::kInteger:
        check_bounds(part.start, source, self.size(source));
        applied.view = applied.view.select(dimension, part.start);
        ++source;
        break;
      case Word::kSlice:
        if (part.start != 0 || part.stop < self.size(source) || part.step != 1) {
          applied.view = applied.view.slice(dimension, part.start, part.stop, part.step);
        }
        ++source, ++dimension, ++place;
        break;
      case Word::kEllipsis:
        source += rest, dimension += rest, place += rest;
        break;
      case Word::kNewAxis:
        applied.view = applied.view.unsqueeze(dimension);
        ++dimension, ++place;
        break;
      case Word::kBoolean:
        applied.view = applied.view.unsqueeze(dimension);
        add_index(at::zeros({part.start}, at::TensorOptions(self.device()).dtype(at::kLong)));
        ++dimension;
        break;
      case Word::kTensor:
        add_index(part.tensor);
        source += dimensions_of(part), dimension += dimensions_of(part);
        break;
    }
  }
  return applied;
}

c10::List<std::optional<at::Tensor>> optional_list(const std::vector<at::Tensor>& indices) {
  c10::List<std::optional<at::Tensor>> list;
  list.reserve(indices.size());
  for (const at::Tensor& index : indices) list.push_back(index.defined() ? std::optional(index) : std::nullopt);
  return list;
}

bool gives_view(const Parts& parts) {
  return std::none_of(parts.begin(), parts.end(),
                      [](const Part& part) { return part.word == Word::kBoolean || part.word == Word::kTensor; });
}

// What `slice` makes of a bound: negative ones count from the end, and those beyond the dimension are cut.
int64_t bound_within(int64_t bound, int64_t size) {
  return std::clamp<int64_t>(bound < 0 ? bound + size : bound, 0, size);
}

// The view of all parts in one step. Autograd would record each part by itself.
at::Tensor view_at_once(const at::Tensor& self, const Parts& parts) {
  const int64_t rest = self.dim() - check_dimensions(self, parts);
  Integers sizes;
  Integers strides;
  int64_t offset = self.storage_offset();
  int64_t source = 0;  // dimension of self
  const auto keep = [&](int64_t count) {
    for (const int64_t end = source + count; source < end; ++source) {
      sizes.push_back(self.size(source));
      strides.push_back(self.stride(source));
    }
  };
  for (const Part& part : parts) {
    if (part.word == Word::kNewAxis) {
      // The stride is what `unsqueeze` gives.
      strides.push_back(source < self.dim() ? self.size(source) * self.stride(source) : 1);
      sizes.push_back(1);
      continue;
    }
    if (part.word == Word::kEllipsis) {
      keep(rest);
      continue;
    }
    const int64_t size = self.size(source);
    const int64_t stride = self.stride(source);
    if (part.word == Word::kInteger) {
      check_bounds(part.start, source, size);
      offset += stride * (part.start < 0 ? part.start + size : part.start);
    } else {
      const int64_t start = bound_within(part.start, size);
      const int64_t stop = std::max(start, bound_within(part.stop, size));
      offset += stride * start;
      sizes.push_back((stop - start) / part.step + ((stop - start) % part.step != 0));
      // A step may be as large as it likes where there is only one element; unsigned, a product may overflow.
      strides.push_back(static_cast<int64_t>(static_cast<uint64_t>(stride) * static_cast<uint64_t>(part.step)));
    }
    ++source;
  }
  keep(self.dim() - source);
  return self.as_strided(sizes, strides, offset);
}

at::Tensor read(const at::Tensor& self, const Parts& parts, bool autograd) {
  if (!autograd && gives_view(parts)) return view_at_once(self, parts);
  Applied applied = apply(self, parts);
  if (!applied.indices.empty()) return applied.view.index(optional_list(applied.indices));
  return applied.view.is_same(self) ? at::alias(self) : applied.view;
}

void write(const at::Tensor& self, const Parts& parts, const at::Tensor& value) {
  if (parts.size() == 1 && parts[0].word == Word::kBoolean) {
    // As in PyTorch all or nothing is written; a dtype is converted, and no shape looked at for nothing.
    if (parts[0].start != 0) at::indexing::copy_to(self.unsqueeze(0), value);
    return;
  }
  Applied applied = apply(self, parts);
  if (applied.indices.empty()) {
    at::indexing::copy_to(applied.view, value);
  } else {
    const auto sizes = at::indexing::slicePrefix1sSize(value.sym_sizes());
    applied.view.index_put_(optional_list(applied.indices), value.view_symint(sizes));
  }
}

// Runs the work past autograd where that has nothing to do.
template <typename Work>
void with_checks(const at::Tensor& self, const Parts& parts, bool autograd, Work work) {
  if (worth_checking_first(self, parts)) check_elements(self, parts);
  try {
    std::optional<at::AutoDispatchBelowAutograd> below;
    if (!autograd) below.emplace();
    work();
  } catch (const c10::IndexError&) {
    if (self.is_cpu()) check_elements(self, parts);
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
  return guarded_raw(environment, [&] { return work(environment, values.data(), count); });
}

}  // namespace

napi_value index_tensor(napi_env env, napi_callback_info info) {
  return with_arguments(env, info, [env](Environment& environment, const napi_value* values, std::size_t count) {
    const at::Tensor self = environment.tensor(Napi::Value(env, values[0]));
    const Parts parts = Words(environment, values + 1, count - 1).read();
    at::Tensor result;
    const bool autograd = needs_autograd(self);
    with_checks(self, parts, autograd, [&] { result = read(self, parts, autograd); });
    return give_tensor(environment, result);
  });
}

napi_value assign_indexed(napi_env env, napi_callback_info info) {
  return with_arguments(env, info, [env](Environment& environment, const napi_value* values, std::size_t count) {
    if (count < 3) throw Error(code::kArgument, "assignIndexed: expected a tensor, a value and an index");
    const at::Tensor self = environment.tensor(Napi::Value(env, values[0]));
    at::Tensor value = environment.optional_tensor(Napi::Value(env, values[1]));
    if (!value.defined()) value = scalar_value(environment, values[2], self);
    const Parts parts = Words(environment, values + 3, count - 3).read();
    with_checks(self, parts, needs_autograd(self) || needs_autograd(value), [&] { write(self, parts, value); });
    return static_cast<napi_value>(nullptr);
  });
}

}  // namespace torchwright
