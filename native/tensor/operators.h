// Any operator of libtorch's dispatcher, made ready to be called by its schema: no C++ for each operator.
#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <napi.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "tensor/typed_call.h"
#include "tensor/values.h"

namespace torchwright {

// An overload made ready to be called: how each argument is read is worked out once.
struct Operator {
  c10::OperatorHandle handle;
  std::vector<std::optional<ValueKind>> arguments;
  std::vector<std::optional<ValueKind>> returns;
  // For each result the argument that it is (`Tensor(a!)`), or -1.
  std::vector<int32_t> returned_argument;
  // How it is called without boxing; null where its C++ type is a rare one.
  std::unique_ptr<TypedCall> typed;
  // Whether a call that has nothing to record may go past autograd. libtorch's own operators do the same below it,
  // where versions and views are still kept, as in its inference mode; what other libraries' do is not known.
  bool may_skip_autograd = false;
};

// The overloads that an environment has asked for, by number.
class OperatorTable {
 public:
  Napi::Value names(Napi::Env env) const;
  // All overloads of a qualified name.
  Napi::Value schemas(Napi::Env env, const std::string& name);
  const Operator& at(uint32_t id) const;

 private:
  using Index = std::unordered_map<std::string, std::vector<c10::OperatorName>>;

  static const Index& index();
  uint32_t prepare(const c10::OperatorHandle& handle);

  std::deque<Operator> operators_;  // a deque: references stay good while it grows
  std::unordered_map<std::string, std::vector<uint32_t>> prepared_;
};

}  // namespace torchwright
