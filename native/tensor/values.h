// Values between JavaScript and libtorch: what a schema's types take, and results as JavaScript sees them.
#pragma once

#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>
#include <napi.h>

#include <optional>
#include <string>

namespace torchwright {

class Environment;

// Whole numbers up to here are exact in JavaScript.
constexpr double kLargestSafe = 9007199254740991.0;

// What an argument of a schema takes, worked out once from its type.
struct ValueKind {
  enum class Base {
    kTensor,
    kScalar,
    kInt,
    kFloat,
    kBool,
    kString,
    kDtype,
    kLayout,
    kMemoryFormat,
    kDevice,
    kGenerator
  };
  Base base = Base::kTensor;
  bool list = false;
  bool optional = false;           // of the whole value
  bool optional_elements = false;  // of a list's elements: Tensor?[]
  bool symbolic = false;           // SymInt
  int32_t length = 0;              // N of int[N]: one number may stand for all
};

// Nothing for the few types that JavaScript cannot give (Dimname, Stream, Storage, ...).
std::optional<ValueKind> kind_of(const c10::Type& type, std::optional<int32_t> length);

// How the kind is written in a schema: `Tensor?[]`, `SymInt[2]`, `ScalarType?`.
std::string kind_text(const ValueKind& kind);

// A new handle, negative for a small tensor: one that keeps little memory alive. Null for an undefined one.
napi_value give_tensor(Environment& environment, const at::Tensor& tensor);

// Tensors are given as above.
napi_value to_javascript(Environment& environment, const c10::IValue& value, const std::optional<ValueKind>& kind);

// A number, bigint, boolean or { re, im }.
c10::Scalar to_scalar(napi_env env, napi_value value);

// A whole number of JavaScript (number or bigint) that fits int64.
int64_t to_int64(napi_env env, napi_value value, const char* what);

// A dtype's name; nothing for null and undefined.
std::optional<at::ScalarType> optional_dtype(Napi::Value name);

}  // namespace torchwright
