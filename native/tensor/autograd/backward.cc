#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/variable.h>

#include "runtime/environment.h"
#include "tensor/autograd/bindings.h"
#include "tensor/autograd/engine.h"
#include "tensor/autograd/modes.h"

namespace torchwright::tensor {

namespace {

// Runs the engine so that it may call JavaScript back from any of its threads.
template <typename Body>
void differentiate(Environment& environment, const std::vector<at::Tensor>& roots, Body body) {
  for (const auto& root : roots) {
    if (!root.requires_grad()) {
      throw Error(code::kAutograd,
                  "this tensor does not require gradients: nothing it was made from does, or it was made under noGrad");
    }
  }
  if (environment_in(mode::kCheckNan) != nullptr) check_for_nan(roots);
  environment.callbacks().run(body);
}

}  // namespace

Napi::Value backward(Environment& environment, const Napi::CallbackInfo& info) {
  const auto roots = environment.tensor_list(info[0]);
  const auto gradients = environment.optional_tensor_list(info[1]);
  const bool retain = info[2].ToBoolean(), create = info[3].ToBoolean();
  const auto inputs = environment.tensor_list(info[4]);
  differentiate(environment, roots, [&] { torch::autograd::backward(roots, gradients, retain, create, inputs); });
  return info.Env().Undefined();
}

Napi::Value gradients_of(Environment& environment, const Napi::CallbackInfo& info) {
  const auto outputs = environment.tensor_list(info[0]);
  const auto inputs = environment.tensor_list(info[1]);
  const auto gradients = environment.optional_tensor_list(info[2]);
  const bool retain = info[3].ToBoolean(), create = info[4].ToBoolean();
  std::vector<at::Tensor> results;
  differentiate(environment, outputs,
                [&] { results = torch::autograd::grad(outputs, inputs, gradients, retain, create, true); });
  return environment.handles_of(results);
}

Napi::Value anomaly_report(Environment& environment, const Napi::CallbackInfo& info) {
  const auto report = environment.callbacks().take_anomaly();
  if (!report) return info.Env().Null();
  auto result = Napi::Object::New(info.Env());
  result.Set("node", report->node);
  result.Set("origin", report->origin);
  return result;
}

}  // namespace torchwright::tensor
