// Calls of operators whose C++ type is a frequent one, without boxing their values. The others go boxed, by their
// schema.
#pragma once

#include <memory>
#include <vector>

#include "tensor/frame.h"

namespace c10 {
class OperatorHandle;
}

namespace torchwright {

// One for each operator, used for all its calls.
class TypedCall {
 public:
  virtual ~TypedCall() = default;
  // Reads the arguments, calls, and gives the result to JavaScript.
  virtual napi_value run(Environment& environment, Frame& frame, const std::vector<ArgumentPlan>& arguments,
                         bool may_skip_autograd) const = 0;
};

// Null for an operator whose C++ type is not among the frequent ones.
std::unique_ptr<TypedCall> typed_call(const c10::OperatorHandle& op);

}  // namespace torchwright
