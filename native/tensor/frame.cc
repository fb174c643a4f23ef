#include "tensor/frame.h"

#include <ATen/ScalarOps.h>

#include <bit>
#include <cmath>

#include "runtime/environment.h"
#include "tensor/dtype.h"

namespace torchwright {

namespace {

using Base = ValueKind::Base;

[[noreturn]] void refuse(const char* wanted) { throw Error(code::kArgument, std::string("expected ") + wanted); }

int64_t whole(double number) {
  if (std::floor(number) != number || std::abs(number) > kLargestSafe) refuse("a whole number");
  return static_cast<int64_t>(number);
}

// JavaScript does not tell 2 from 2.0: whole numbers are integers, as type promotion needs; but -0 is none.
at::Scalar scalar_of_integer(double number) {
  if (number == 0 && std::signbit(number)) return at::Scalar(number);
  return at::Scalar(whole(number));
}

// Tensors of these keys alone have kernels below autograd that do the same. Others (sparse, nested, conjugated, ...)
// keep their whole way.
constexpr c10::DispatchKeySet kPlainKeys({c10::DispatchKey::CPU, c10::DispatchKey::CUDA, c10::DispatchKey::AutogradCPU,
                                          c10::DispatchKey::AutogradCUDA, c10::DispatchKey::ADInplaceOrView,
                                          c10::DispatchKey::AutocastCPU, c10::DispatchKey::AutocastCUDA});

template <typename List, typename Values>
c10::IValue list_of(const Values& values) {
  List list;
  list.reserve(values.size());
  for (const auto& value : values) list.push_back(value);
  return list;
}

bool fits_single(Base base, Form form) {
  switch (base) {
    case Base::kTensor:
      return form == Form::kTensor || (form >= Form::kInteger && form <= Form::kBoolean) || form == Form::kComplex;
    case Base::kScalar:
      return (form >= Form::kInteger && form <= Form::kBoolean) || form == Form::kComplex;
    case Base::kInt:
      return form == Form::kInteger || form == Form::kBigInt;
    case Base::kFloat:
      return form >= Form::kInteger && form <= Form::kBigInt;
    case Base::kBool:
      return form == Form::kBoolean;
    case Base::kGenerator:
      return form == Form::kGenerator;
    case Base::kString:
    case Base::kDtype:
    case Base::kLayout:
    case Base::kMemoryFormat:
    case Base::kDevice:
      return form == Form::kString;
  }
  return false;
}

bool fits_list(Base base, Form form) {
  switch (base) {
    case Base::kTensor:
      return form == Form::kTensors;
    case Base::kInt:
      // One number stands for a list.
      return form == Form::kIntegers || form == Form::kInteger || form == Form::kBigInt;
    case Base::kFloat:
      return form == Form::kIntegers || form == Form::kNumbers;
    case Base::kBool:
      return form == Form::kBooleans;
    case Base::kScalar:
      return form >= Form::kIntegers && form <= Form::kScalars;
    case Base::kString:
      return form == Form::kStrings;
    default:
      return false;
  }
}

}  // namespace

bool fits(const ValueKind& kind, Form form) {
  if (form == Form::kAbsent) return true;
  if (form == Form::kNull) return kind.optional;
  return kind.list ? fits_list(kind.base, form) : fits_single(kind.base, form);
}

double Frame::word(uint32_t slot) const {
  if (slot >= words_.size()) refuse("a slot of the frame");
  return words_[slot];
}

int64_t Frame::bits(uint32_t slot) const { return std::bit_cast<int64_t>(word(slot)); }

std::span<const double> Frame::words_at(double offset, std::size_t each) const {
  if (!(offset >= 0 && offset < static_cast<double>(words_.size()))) refuse("a place of the frame");
  const auto begin = static_cast<std::size_t>(offset);
  const std::size_t room = words_.size() - begin - 1;
  const double length = words_[begin];
  if (!(length >= 0 && length * static_cast<double>(each) <= static_cast<double>(room))) refuse("a list of the frame");
  return words_.subspan(begin + 1, static_cast<std::size_t>(length) * each);
}

std::span<const double> Frame::words(const ArgumentPlan& argument, std::size_t each) const {
  return words_at(word(argument.slot), each);
}

bool needs_autograd(const at::Tensor& tensor) {
  return tensor.requires_grad() || !kPlainKeys.has_all(tensor.key_set());
}

at::Tensor Frame::live(double handle) {
  const at::Tensor& tensor = environment_.tensors().get(handle);
  if (torchwright::needs_autograd(tensor)) needs_autograd_ = true;
  return tensor;
}

at::Tensor Frame::tensor(const ArgumentPlan& argument) {
  if (argument.form == Form::kTensor) return live(word(argument.slot));
  if (argument.form == Form::kNull || argument.form == Form::kAbsent) return at::Tensor();
  at::Tensor number = c10::scalar_to_tensor(scalar(argument));
  number.unsafeGetTensorImpl()->set_wrapped_number(true);
  return number;
}

Tensors Frame::tensors(const ArgumentPlan& argument) {
  Tensors list;
  for (const double handle : words(argument)) list.push_back(live(handle));
  return list;
}

c10::List<std::optional<at::Tensor>> Frame::optional_tensors(const ArgumentPlan& argument) {
  c10::List<std::optional<at::Tensor>> list;
  const auto handles = words(argument);
  list.reserve(handles.size());
  for (const double handle : handles) {
    list.push_back(handle == 0 ? std::nullopt : std::optional<at::Tensor>(live(handle)));
  }
  return list;
}

int64_t Frame::integer(const ArgumentPlan& argument) const {
  return argument.form == Form::kBigInt ? bits(argument.slot) : whole(word(argument.slot));
}

Integers Frame::integers(const ArgumentPlan& argument) const {
  if (argument.form != Form::kIntegers) return Integers(std::max(argument.kind.length, 1), integer(argument));
  Integers list;
  for (const double number : words(argument)) list.push_back(whole(number));
  return list;
}

double Frame::real(const ArgumentPlan& argument) const {
  return argument.form == Form::kBigInt ? static_cast<double>(bits(argument.slot)) : word(argument.slot);
}

std::vector<double> Frame::reals(const ArgumentPlan& argument) const {
  const auto numbers = words(argument);
  return {numbers.begin(), numbers.end()};
}

bool Frame::boolean(const ArgumentPlan& argument) const { return word(argument.slot) != 0; }

std::vector<bool> Frame::booleans(const ArgumentPlan& argument) const {
  std::vector<bool> list;
  for (const double value : words(argument)) list.push_back(value != 0);
  return list;
}

at::Scalar Frame::scalar(const ArgumentPlan& argument) const {
  switch (argument.form) {
    case Form::kInteger:
      return scalar_of_integer(word(argument.slot));
    case Form::kFraction:
      return at::Scalar(word(argument.slot));
    case Form::kBigInt:
      return at::Scalar(bits(argument.slot));
    case Form::kBoolean:
      return at::Scalar(boolean(argument));
    case Form::kComplex: {
      const auto parts = words(argument);
      if (parts.size() != 2) refuse("a complex number of two parts");
      return at::Scalar(c10::complex<double>(parts[0], parts[1]));
    }
    default:
      refuse("a number, bigint, boolean or { re, im }");
  }
}

std::vector<at::Scalar> Frame::scalars(const ArgumentPlan& argument) const {
  std::vector<at::Scalar> list;
  if (argument.form != Form::kScalars) {
    for (const double value : words(argument)) {
      if (argument.form == Form::kBooleans) {
        list.emplace_back(value != 0);
      } else {
        // A list of numbers may hold whole ones and others.
        const bool is_whole = std::floor(value) == value && std::abs(value) <= kLargestSafe;
        list.push_back(is_whole ? scalar_of_integer(value) : at::Scalar(value));
      }
    }
    return list;
  }
  const auto all = words(argument, 3);
  for (std::size_t i = 0; i < all.size(); i += 3) {
    switch (static_cast<Form>(static_cast<int>(all[i]))) {
      case Form::kInteger:
        list.push_back(scalar_of_integer(all[i + 1]));
        break;
      case Form::kFraction:
        list.emplace_back(all[i + 1]);
        break;
      case Form::kBigInt:
        list.emplace_back(std::bit_cast<int64_t>(all[i + 1]));
        break;
      case Form::kBoolean:
        list.emplace_back(all[i + 1] != 0);
        break;
      case Form::kComplex:
        list.emplace_back(c10::complex<double>(all[i + 1], all[i + 2]));
        break;
      default:
        refuse("a number, bigint, boolean or { re, im }");
    }
  }
  return list;
}

std::string_view Frame::text_at(double offset) const {
  if (!(offset >= 0 && offset < static_cast<double>(words_.size()))) refuse("a place of the frame");
  const auto begin = static_cast<std::size_t>(offset);
  const auto bytes = std::as_bytes(words_.subspan(begin + 1));
  const double length = words_[begin];
  if (!(length >= 0 && length <= static_cast<double>(bytes.size()))) refuse("a string of the frame");
  return {reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(length)};
}

std::string_view Frame::text(const ArgumentPlan& argument) const { return text_at(word(argument.slot)); }

std::vector<std::string> Frame::texts(const ArgumentPlan& argument) const {
  std::vector<std::string> list;
  for (const double offset : words(argument)) list.emplace_back(text_at(offset));
  return list;
}

at::ScalarType Frame::dtype(const ArgumentPlan& argument) const { return parse_dtype(std::string(text(argument))); }

at::Layout Frame::layout(const ArgumentPlan& argument) const { return parse_layout(std::string(text(argument))); }

at::MemoryFormat Frame::memory_format(const ArgumentPlan& argument) const {
  return parse_memory_format(std::string(text(argument)));
}

at::Device Frame::device(const ArgumentPlan& argument) const { return parse_device(std::string(text(argument))); }

at::Generator Frame::generator(const ArgumentPlan& argument) const {
  return *environment_.object<at::Generator>(word(argument.slot), "generator");
}

c10::IValue Frame::value(const ArgumentPlan& argument) {
  reading = &argument;
  if (argument.form == Form::kAbsent) return argument.fallback == nullptr ? c10::IValue() : *argument.fallback;
  if (argument.form == Form::kNull) return c10::IValue();
  return argument.kind.list ? list(argument) : element(argument);
}

c10::IValue Frame::element(const ArgumentPlan& argument) {
  switch (argument.kind.base) {
    case Base::kTensor:
      return tensor(argument);
    case Base::kScalar:
      return scalar(argument);
    case Base::kInt:
      return integer(argument);
    case Base::kFloat:
      return real(argument);
    case Base::kBool:
      return boolean(argument);
    case Base::kString:
      return std::string(text(argument));
    case Base::kDtype:
      return static_cast<int64_t>(dtype(argument));
    case Base::kLayout:
      return static_cast<int64_t>(layout(argument));
    case Base::kMemoryFormat:
      return static_cast<int64_t>(memory_format(argument));
    case Base::kDevice:
      return device(argument);
    case Base::kGenerator:
      return generator(argument);
  }
  refuse("a value of a known kind");
}

c10::IValue Frame::list(const ArgumentPlan& argument) {
  switch (argument.kind.base) {
    case Base::kTensor:
      if (argument.kind.optional_elements) return optional_tensors(argument);
      return list_of<c10::List<at::Tensor>>(tensors(argument));
    case Base::kInt:
      return list_of<c10::List<int64_t>>(integers(argument));
    case Base::kFloat:
      return list_of<c10::List<double>>(reals(argument));
    case Base::kBool:
      return list_of<c10::List<bool>>(booleans(argument));
    case Base::kScalar:
      return list_of<c10::List<at::Scalar>>(scalars(argument));
    case Base::kString:
      return list_of<c10::List<std::string>>(texts(argument));
    default:
      refuse("a value of a known kind");
  }
}

}  // namespace torchwright
