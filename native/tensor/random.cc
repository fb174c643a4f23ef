#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>

#include "runtime/environment.h"
#include "tensor/bindings.h"
#include "tensor/dtype.h"

namespace torchwright::tensor {

namespace {

uint64_t read_seed(Napi::Value value) {
  return static_cast<uint64_t>(to_int64(value.Env(), value, "a whole number as seed"));
}

}  // namespace

Napi::Value manual_seed(Environment&, const Napi::CallbackInfo& info) {
  at::manual_seed(read_seed(info[0]));
  return info.Env().Undefined();
}

Napi::Value generator_create(Environment& environment, const Napi::CallbackInfo& info) {
  const at::Device device = parse_device(info[0].ToString());
  auto generator = std::make_shared<at::Generator>(
      device.is_cpu()
          ? at::make_generator<at::CPUGeneratorImpl>()
          : at::globalContext().getAcceleratorHooksInterface(device.type()).getNewGenerator(device.index()));
  generator->set_current_seed(read_seed(info[1]));
  return environment.add_object(std::move(generator));
}

Napi::Value generator_seed(Environment& environment, const Napi::CallbackInfo& info) {
  const auto generator = environment.object<at::Generator>(info[0], "generator");
  const std::lock_guard lock(generator->mutex());
  generator->set_current_seed(read_seed(info[1]));
  return info.Env().Undefined();
}

}  // namespace torchwright::tensor
