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

const at::Generator& default_generator(Napi::Value device) {
  return at::globalContext().defaultGenerator(parse_device(device.ToString()));
}

}  // namespace

Napi::Value rng_state(Environment& environment, const Napi::CallbackInfo& info) {
  at::Generator generator = default_generator(info[0]);
  const std::lock_guard lock(generator.mutex());
  return Napi::Number::New(info.Env(), environment.add_tensor(generator.get_state()));
}

Napi::Value set_rng_state(Environment& environment, const Napi::CallbackInfo& info) {
  at::Generator generator = default_generator(info[0]);
  const std::lock_guard lock(generator.mutex());
  generator.set_state(environment.tensor(info[1]));
  return info.Env().Undefined();
}

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
