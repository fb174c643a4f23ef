#include "tensor/calls.h"

#include <ATen/core/LegacyTypeDispatch.h>

#include "io/mapping_guard.h"
#include "io/tensor_file.h"
#include "runtime/environment.h"
#include "runtime/export.h"
#include "runtime/memory.h"
#include "tensor/bindings.h"
#include "tensor/guards/guards.h"

namespace torchwright {

uint32_t Calls::plan(const Operator& op, const std::vector<uint32_t>& forms) {
  const auto& arguments = op.handle.schema().arguments();
  if (forms.size() != 2 * arguments.size()) {
    throw Error(code::kArgument, op.handle.schema().name() + " takes " + std::to_string(arguments.size()) +
                                     " arguments, got " + std::to_string(forms.size() / 2));
  }
  CallPlan plan{op, {}};
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto& kind = op.arguments[i];
    const auto& fallback = arguments[i].default_value();
    ArgumentPlan argument;
    argument.slot = forms[2 * i + 1];
    argument.fallback = fallback ? &*fallback : nullptr;
    argument.name = &arguments[i].name();
    const auto refuse = [&](const std::string& what) {
      throw Error(code::kArgument, op.handle.schema().name() + ": argument '" + *argument.name + "' " + what);
    };
    if (forms[2 * i] >= kForms) refuse("has a form that does not exist");
    argument.form = static_cast<Form>(forms[2 * i]);
    if (kind) argument.kind = *kind;
    if (argument.form == Form::kAbsent) {
      if (!fallback && !(kind && kind->optional)) refuse("is missing");
    } else {
      if (!kind) refuse("is of type " + arguments[i].real_type()->str() + ", which JavaScript cannot give");
      if (!fits(*kind, argument.form)) refuse("cannot be made of what was given");
    }
    plan.arguments.push_back(argument);
  }
  plans_.push_back(std::move(plan));
  return static_cast<uint32_t>(plans_.size() - 1);
}

const CallPlan& Calls::at(uint32_t id) const {
  if (id >= plans_.size()) throw Error(code::kArgument, "there is no plan of this number");
  return plans_[id];
}

void Calls::use_frame(Napi::Float64Array words) {
  frame_ = Napi::Persistent(words);
  words_ = {words.Data(), words.ElementLength()};
}

namespace {

napi_value give_results(Environment& environment, const Operator& op, const torch::jit::Stack& stack) {
  const napi_env env = environment.env();
  napi_value undefined;
  napi_get_undefined(env, &undefined);
  const auto one = [&](std::size_t i) {
    return op.returned_argument[i] >= 0 ? undefined : to_javascript(environment, stack[i], op.returns[i]);
  };
  if (stack.empty()) return undefined;
  if (stack.size() == 1) return one(0);
  napi_value array;
  napi_create_array_with_length(env, stack.size(), &array);
  for (std::size_t i = 0; i < stack.size(); ++i) napi_set_element(env, array, static_cast<uint32_t>(i), one(i));
  return array;
}

napi_value call_boxed(Environment& environment, Frame& frame, const CallPlan& plan) {
  torch::jit::Stack stack;
  stack.reserve(plan.arguments.size());
  for (const ArgumentPlan& argument : plan.arguments) stack.push_back(frame.value(argument));
  frame.reading = nullptr;
  check_call(plan.op.handle.schema().name(), stack);
  {
    std::optional<at::AutoDispatchBelowAutograd> below;
    if (plan.op.may_skip_autograd && !frame.needs_autograd()) below.emplace();
    plan.op.handle.callBoxed(stack);
  }
  return give_results(environment, plan.op, stack);
}

// What was read from a file that became shorter under its mapping must not pass for a result.
void check_mapped_arguments(Frame& frame, const CallPlan& plan) {
  for (const ArgumentPlan& argument : plan.arguments) {
    if (argument.form == Form::kTensor) check_mapped(frame.tensor(argument));
    if (argument.form != Form::kTensors) continue;
    for (const at::Tensor& tensor : frame.tensors(argument)) {
      if (tensor.defined()) check_mapped(tensor);
    }
  }
}

napi_value call(Environment& environment, const CallPlan& plan) {
  Frame frame(environment, environment.calls.frame());
  try {
    const napi_value result = plan.op.typed
                                  ? plan.op.typed->run(environment, frame, plan.arguments, plan.op.may_skip_autograd)
                                  : call_boxed(environment, frame, plan);
    if (mapping::any_broken()) check_mapped_arguments(frame, plan);
    return result;
  } catch (const Error& error) {
    // A device that is not there is nobody's argument in particular, and its message is whole.
    if (frame.reading == nullptr || std::string_view(error.code) == code::kDevice) throw;
    throw Error(error.code,
                plan.op.handle.schema().name() + ": argument '" + *frame.reading->name + "': " + error.what());
  }
}

}  // namespace

napi_value call_operator(napi_env env, napi_callback_info info) {
  napi_value value;
  std::size_t count = 1;
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, &value, nullptr, &data);
  auto& environment = *static_cast<Environment*>(data);
  return guarded_raw(environment, [&] {
    uint32_t id = 0;
    if (count == 0 || napi_get_value_uint32(env, value, &id) != napi_ok) {
      throw Error(code::kArgument, "call: expected the number of a plan");
    }
    const CallPlan& plan = environment.calls.at(id);
    try {
      return call(environment, plan);
    } catch (const c10::OutOfMemoryError&) {
      // Once more with what a graphics card's libraries keep for later; but not where half the work may be done.
      if (plan.op.handle.schema().is_mutable() || !empty_caches()) throw;
    }
    return call(environment, plan);
  });
}

namespace tensor {

Napi::Value use_frame(Environment& environment, const Napi::CallbackInfo& info) {
  if (!info[0].IsTypedArray() || info[0].As<Napi::TypedArray>().TypedArrayType() != napi_float64_array) {
    throw Error(code::kArgument, "useFrame: expected a Float64Array");
  }
  environment.calls.use_frame(info[0].As<Napi::Float64Array>());
  return info.Env().Undefined();
}

Napi::Value plan_call(Environment& environment, const Napi::CallbackInfo& info) {
  if (!info[0].IsNumber() || !info[1].IsTypedArray() ||
      info[1].As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array) {
    throw Error(code::kArgument, "plan: expected the number of an operator and a Uint32Array");
  }
  const auto forms = info[1].As<Napi::Uint32Array>();
  return Napi::Number::New(info.Env(),
                           environment.calls.plan(environment.operators.at(info[0].As<Napi::Number>().Uint32Value()),
                                                  {forms.Data(), forms.Data() + forms.ElementLength()}));
}

}  // namespace tensor

}  // namespace torchwright
