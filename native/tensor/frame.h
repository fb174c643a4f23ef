// The memory through which the values of an operator's call cross: doubles that JavaScript writes and that are read
// here without asking V8 for each of them.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/List.h>
#include <ATen/core/Tensor.h>
#include <c10/util/SmallVector.h>
#include <napi.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/values.h"

namespace torchwright {

class Environment;

// How a value lies in its slot; lib/tensor/frame.ts writes them. Where a value takes more than its slot, the slot holds
// the index of the word where it begins, and that word how long it is.
enum class Form : uint8_t {
  kAbsent,     // the schema's default is taken
  kNull,       //
  kTensor,     // a handle
  kInteger,    // a whole number that a double holds exactly
  kFraction,   // any other number
  kBigInt,     // the slot's own bits are an int64
  kBoolean,    // 0 or 1
  kString,     // elsewhere: bytes of UTF-8
  kComplex,    // elsewhere: (2,) real part, imaginary part
  kGenerator,  // the number of a native object
  kTensors,    // elsewhere: handles, 0 for null
  kIntegers,   // elsewhere: numbers, like the next two
  kNumbers,
  kBooleans,
  kScalars,  // elsewhere: for each its form and two words, as a slot or a complex number has them
  kStrings,  // elsewhere: each as one string
};
constexpr int kForms = static_cast<int>(Form::kStrings) + 1;

// How one argument of a call is read.
struct ArgumentPlan {
  ValueKind kind;
  Form form = Form::kAbsent;
  uint32_t slot = 0;
  const std::string* name = nullptr;
  // What stands for an absent value; null where the schema has none.
  const c10::IValue* fallback = nullptr;
};

// Whether a value of this form can become what the argument takes.
bool fits(const ValueKind& kind, Form form);

using Integers = c10::SmallVector<int64_t, 8>;
using Tensors = c10::SmallVector<at::Tensor, 8>;

// Whether autograd has something to record of this tensor, or it needs autograd's kernels for another reason. Below
// them libtorch's own operators do the same.
bool needs_autograd(const at::Tensor& tensor);

// Reads the values of one call. Every reader throws ERR_ARGUMENT (or ERR_DISPOSED, ERR_DTYPE, ERR_DEVICE) for a value
// that does not fit.
class Frame {
 public:
  Frame(Environment& environment, std::span<const double> words) : environment_(environment), words_(words) {}

  // Undefined for null. A number becomes a tensor that counts as a number in type promotion, as in Python.
  at::Tensor tensor(const ArgumentPlan& argument);
  Tensors tensors(const ArgumentPlan& argument);
  c10::List<std::optional<at::Tensor>> optional_tensors(const ArgumentPlan& argument);
  int64_t integer(const ArgumentPlan& argument) const;
  Integers integers(const ArgumentPlan& argument) const;
  double real(const ArgumentPlan& argument) const;
  std::vector<double> reals(const ArgumentPlan& argument) const;
  bool boolean(const ArgumentPlan& argument) const;
  std::vector<bool> booleans(const ArgumentPlan& argument) const;
  at::Scalar scalar(const ArgumentPlan& argument) const;
  std::vector<at::Scalar> scalars(const ArgumentPlan& argument) const;
  std::string_view text(const ArgumentPlan& argument) const;
  std::vector<std::string> texts(const ArgumentPlan& argument) const;
  at::ScalarType dtype(const ArgumentPlan& argument) const;
  at::Layout layout(const ArgumentPlan& argument) const;
  at::MemoryFormat memory_format(const ArgumentPlan& argument) const;
  at::Device device(const ArgumentPlan& argument) const;
  at::Generator generator(const ArgumentPlan& argument) const;
  // Of the schema's type, whichever it is.
  c10::IValue value(const ArgumentPlan& argument);

  // Whether autograd has something to record or the tensors read so far need its kernels for another reason.
  bool needs_autograd() const { return needs_autograd_; }
  // The argument being read: errors name it.
  const ArgumentPlan* reading = nullptr;

 private:
  double word(uint32_t slot) const;
  int64_t bits(uint32_t slot) const;
  // The words of a value that lies elsewhere.
  std::span<const double> words(const ArgumentPlan& argument, std::size_t each = 1) const;
  std::span<const double> words_at(double offset, std::size_t each) const;
  std::string_view text_at(double offset) const;
  at::Tensor live(double handle);
  c10::IValue element(const ArgumentPlan& argument);
  c10::IValue list(const ArgumentPlan& argument);

  Environment& environment_;
  std::span<const double> words_;
  bool needs_autograd_ = false;
};

}  // namespace torchwright
