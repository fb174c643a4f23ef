#include "tensor/values.h"

#include <ATen/core/Generator.h>

#include <cmath>

#include "runtime/environment.h"
#include "tensor/dtype.h"

namespace torchwright {

namespace {

using Base = ValueKind::Base;

[[noreturn]] void refuse(const char* wanted) { throw Error(code::kArgument, std::string("expected ") + wanted); }

napi_valuetype type_of(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  napi_typeof(env, value, &type);
  return type;
}

bool to_bool(napi_env env, napi_value value) {
  bool result;
  if (napi_get_value_bool(env, value, &result) != napi_ok) refuse("true or false");
  return result;
}

double to_double(napi_env env, napi_value value) {
  double number;
  if (napi_get_value_double(env, value, &number) == napi_ok) return number;
  if (type_of(env, value) == napi_bigint) return static_cast<double>(to_int64(env, value, "a number"));
  refuse("a number");
}

napi_value number(napi_env env, double value) {
  napi_value result;
  napi_create_double(env, value, &result);
  return result;
}

napi_value integer(napi_env env, int64_t value) {
  napi_value result;
  if (std::abs(static_cast<double>(value)) <= kLargestSafe) {
    napi_create_int64(env, value, &result);
  } else {
    napi_create_bigint_int64(env, value, &result);
  }
  return result;
}

napi_value scalar(napi_env env, const c10::Scalar& value) {
  if (value.isBoolean()) return Napi::Boolean::New(env, value.toBool());
  if (value.isIntegral(false)) return integer(env, value.toLong());
  if (value.isComplex()) {
    auto object = Napi::Object::New(env);
    object.Set("re", value.toComplexDouble().real());
    object.Set("im", value.toComplexDouble().imag());
    return object;
  }
  return number(env, value.toDouble());
}

// Whether little memory lives on with this tensor: a view keeps all of what it shows, and a result its graph.
bool keeps_little(const at::Tensor& tensor) {
  constexpr std::size_t kLittle = 1024;
  return tensor.layout() == at::kStrided && tensor.has_storage() && tensor.storage().nbytes() <= kLittle &&
         !tensor.requires_grad();
}

template <typename List>
napi_value array(Environment& environment, const List& list, const std::optional<ValueKind>& kind) {
  napi_value result;
  napi_create_array_with_length(environment.env(), list.size(), &result);
  for (std::size_t i = 0; i < list.size(); ++i) {
    napi_set_element(environment.env(), result, static_cast<uint32_t>(i), to_javascript(environment, list[i], kind));
  }
  return result;
}

}  // namespace

c10::Scalar to_scalar(napi_env env, napi_value value) {
  double number;
  if (napi_get_value_double(env, value, &number) == napi_ok) {
    // JavaScript does not tell 2 from 2.0: whole numbers are integers, as type promotion needs.
    const bool whole =
        std::floor(number) == number && std::abs(number) <= kLargestSafe && !(number == 0 && std::signbit(number));
    return whole ? c10::Scalar(static_cast<int64_t>(number)) : c10::Scalar(number);
  }
  switch (type_of(env, value)) {
    case napi_boolean:
      return c10::Scalar(to_bool(env, value));
    case napi_bigint:
      return c10::Scalar(to_int64(env, value, "a scalar"));
    case napi_object: {
      const Napi::Object object(env, value);
      if (object.Has("re") && object.Has("im")) {
        return c10::Scalar(c10::complex<double>(to_double(env, object.Get("re")), to_double(env, object.Get("im"))));
      }
      [[fallthrough]];
    }
    default:
      refuse("a number, bigint, boolean or { re, im }");
  }
}

int64_t to_int64(napi_env env, napi_value value, const char* what) {
  double number;
  if (napi_get_value_double(env, value, &number) == napi_ok) {
    if (std::floor(number) != number || std::abs(number) > kLargestSafe) refuse(what);
    return static_cast<int64_t>(number);
  }
  int64_t result;
  bool lossless = false;
  if (napi_get_value_bigint_int64(env, value, &result, &lossless) != napi_ok) refuse(what);
  if (!lossless) throw Error(code::kArgument, "this bigint does not fit 64 bits");
  return result;
}

std::optional<ValueKind> kind_of(const c10::Type& type, std::optional<int32_t> length) {
  ValueKind kind;
  switch (type.kind()) {
    case c10::TypeKind::OptionalType: {
      auto inner = kind_of(*type.castRaw<c10::OptionalType>()->getElementType(), length);
      if (inner) inner->optional = true;
      return inner;
    }
    case c10::TypeKind::ListType: {
      auto inner = kind_of(*type.castRaw<c10::ListType>()->getElementType(), std::nullopt);
      if (!inner || inner->list) return std::nullopt;
      inner->list = true;
      inner->optional_elements = std::exchange(inner->optional, false);
      inner->length = length.value_or(0);
      return inner;
    }
    case c10::TypeKind::SymIntType:
      kind.symbolic = true;
      [[fallthrough]];
    case c10::TypeKind::IntType:
      kind.base = Base::kInt;
      return kind;
    case c10::TypeKind::TensorType:
      return kind;
    case c10::TypeKind::NumberType:
      kind.base = Base::kScalar;
      return kind;
    case c10::TypeKind::FloatType:
      kind.base = Base::kFloat;
      return kind;
    case c10::TypeKind::BoolType:
      kind.base = Base::kBool;
      return kind;
    case c10::TypeKind::StringType:
      kind.base = Base::kString;
      return kind;
    case c10::TypeKind::ScalarTypeType:
      kind.base = Base::kDtype;
      return kind;
    case c10::TypeKind::LayoutType:
      kind.base = Base::kLayout;
      return kind;
    case c10::TypeKind::MemoryFormatType:
      kind.base = Base::kMemoryFormat;
      return kind;
    case c10::TypeKind::DeviceObjType:
      kind.base = Base::kDevice;
      return kind;
    case c10::TypeKind::GeneratorType:
      kind.base = Base::kGenerator;
      return kind;
    default:
      return std::nullopt;
  }
}

std::string kind_text(const ValueKind& kind) {
  static constexpr const char* kNames[] = {"Tensor",     "Scalar", "int",          "float",  "bool",     "str",
                                           "ScalarType", "Layout", "MemoryFormat", "Device", "Generator"};
  std::string text = kind.symbolic ? "SymInt" : kNames[static_cast<int>(kind.base)];
  if (kind.optional_elements) text += "?";
  if (kind.list) text += kind.length > 0 ? "[" + std::to_string(kind.length) + "]" : "[]";
  if (kind.optional) text += "?";
  return text;
}

napi_value give_tensor(Environment& environment, const at::Tensor& tensor) {
  if (!tensor.defined()) return Napi::Env(environment.env()).Null();
  const bool small = keeps_little(tensor);
  const Handle handle = environment.add_tensor(tensor);
  return number(environment.env(), small ? -handle : handle);
}

napi_value to_javascript(Environment& environment, const c10::IValue& value, const std::optional<ValueKind>& kind) {
  const napi_env env = environment.env();
  if (value.isTensor()) return give_tensor(environment, value.toTensor());
  if (value.isNone()) return Napi::Env(env).Null();
  if (value.isBool()) return Napi::Boolean::New(env, value.toBool());
  if (value.isInt()) {
    if (kind && kind->base == Base::kDtype) {
      return Napi::String::New(env, dtype_name(static_cast<at::ScalarType>(value.toInt())));
    }
    return integer(env, value.toInt());
  }
  if (value.isDouble()) return number(env, value.toDouble());
  if (value.isScalar()) return scalar(env, value.toScalar());
  if (value.isString()) return Napi::String::New(env, value.toStringRef());
  if (value.isDevice()) return Napi::String::New(env, device_name(value.toDevice()));
  if (value.isTensorList()) return array(environment, value.toTensorVector(), kind);
  if (value.isList()) return array(environment, value.toListRef(), kind);
  if (value.isTuple()) return array(environment, value.toTupleRef().elements().vec(), std::nullopt);
  throw Error(code::kTorch,
              "an operator returned a value of type " + value.tagKind() + ", which JavaScript cannot hold");
}

std::optional<at::ScalarType> optional_dtype(Napi::Value name) {
  if (name.IsNull() || name.IsUndefined()) return std::nullopt;
  return parse_dtype(name.ToString());
}

}  // namespace torchwright
