// Calls of operators from JavaScript. A plan says once how the values of a call are read; the call itself is one
// crossing.
#pragma once

#include <napi.h>

#include <deque>
#include <memory>
#include <vector>

#include "tensor/frame.h"
#include "tensor/operators.h"
#include "tensor/typed_call.h"

namespace torchwright {

// An overload together with the forms of its arguments.
struct CallPlan {
  const Operator& op;
  std::vector<ArgumentPlan> arguments;
};

// The plans of an environment, by number, and the memory through which values cross.
class Calls {
 public:
  // `forms` has for each argument of the schema its form and its slot, in turn.
  uint32_t plan(const Operator& op, const std::vector<uint32_t>& forms);
  const CallPlan& at(uint32_t id) const;

  void use_frame(Napi::Float64Array words);
  std::span<const double> frame() const { return words_; }

 private:
  std::deque<CallPlan> plans_;
  Napi::Reference<Napi::Float64Array> frame_;  // keeps the words
  std::span<const double> words_;
};

// `call(plan)`: the one hot crossing, on bare Node-API.
napi_value call_operator(napi_env env, napi_callback_info info);

}  // namespace torchwright
