#include "nn/autocast.h"
#include "nn/bindings.h"
#include "nn/registry.h"
#include "runtime/job.h"
#include "tensor/dtype.h"

namespace torchwright::nn {

namespace {

std::shared_ptr<Plan> read_plan(Napi::Object object, const std::string& path, int depth);

// A list of numbers, or of objects.
Plan::Value read_list(Napi::Array array, const std::string& name, int depth) {
  std::vector<double> numbers;
  std::vector<std::shared_ptr<Plan>> objects;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value element = array.Get(i);
    if (element.IsNumber()) {
      numbers.push_back(element.ToNumber().DoubleValue());
    } else if (element.IsObject() && !element.IsArray() && !element.IsFunction()) {
      objects.push_back(read_plan(element.As<Napi::Object>(), name + "." + std::to_string(i), depth + 1));
    }
  }
  if (objects.size() == array.Length() && !objects.empty()) return objects;
  if (numbers.size() == array.Length()) return numbers;
  throw Error(code::kConfig, name + " must hold numbers only, or objects only");
}

std::shared_ptr<Plan> read_plan(Napi::Object object, const std::string& path, int depth) {
  if (depth > 16) throw Error(code::kConfig, "a module's plan is nested too deeply at " + path);
  auto plan = std::make_shared<Plan>(path);
  const Napi::Array keys = object.GetPropertyNames();
  for (uint32_t i = 0; i < keys.Length(); ++i) {
    const std::string key = keys.Get(i).ToString();
    const Napi::Value value = object.Get(key);
    const std::string name = path.empty() ? key : path + "." + key;
    if (value.IsBoolean()) {
      plan->set(key, value.ToBoolean().Value());
    } else if (value.IsNumber()) {
      plan->set(key, value.ToNumber().DoubleValue());
    } else if (value.IsString()) {
      plan->set(key, value.ToString().Utf8Value());
    } else if (value.IsNull() || value.IsUndefined()) {
      plan->set(key, std::monostate());
    } else if (value.IsArray()) {
      plan->set(key, read_list(value.As<Napi::Array>(), name, depth));
    } else if (value.IsObject() && !value.IsFunction()) {
      plan->set(key, read_plan(value.As<Napi::Object>(), name, depth + 1));
    } else {
      throw Error(code::kConfig, name + " is of a kind that a module's plan cannot hold");
    }
  }
  return plan;
}

Napi::Value named_handles(Environment& environment, const torch::OrderedDict<std::string, at::Tensor>& tensors) {
  auto list = Napi::Array::New(environment.napi(), tensors.size());
  uint32_t index = 0;
  for (const auto& item : tensors) {
    auto pair = Napi::Array::New(environment.napi(), 2);
    pair.Set(0u, item.key());
    pair.Set(1u, environment.add_tensor(item.value()));
    list.Set(index++, pair);
  }
  return list;
}

}  // namespace

Napi::Value kinds(Environment&, const Napi::CallbackInfo& info) {
  const auto names = module_kinds();
  auto list = Napi::Array::New(info.Env(), names.size());
  for (uint32_t i = 0; i < names.size(); ++i) list.Set(i, names[i]);
  return list;
}

Napi::Value create(Environment& environment, const Napi::CallbackInfo& info) {
  if (!info[1].IsObject()) throw Error(code::kConfig, "a module's plan must be an object");
  const auto plan = read_plan(info[1].As<Napi::Object>(), "", 0);
  const auto options =
      at::TensorOptions().dtype(parse_dtype(info[2].ToString())).device(parse_device(info[3].ToString()));
  return environment.add_object(make_module(info[0].ToString(), *plan, options));
}

Napi::Value parameters(Environment& environment, const Napi::CallbackInfo& info) {
  return named_handles(environment, environment.object<Module>(info[0], "module")->named_parameters());
}

Napi::Value buffers(Environment& environment, const Napi::CallbackInfo& info) {
  return named_handles(environment, environment.object<Module>(info[0], "module")->named_buffers());
}

Napi::Value call(Environment& environment, const Napi::CallbackInfo& info) {
  const auto module = environment.object<Module>(info[0], "module");
  return environment.handles_of(module->call(info[1].ToString(), environment.optional_tensor_list(info[2])));
}

Napi::Value run(Environment& environment, const Napi::CallbackInfo& info) {
  return submit(
      environment, info[0],
      [module = environment.object<Module>(info[1], "module"), method = info[2].ToString().Utf8Value(),
       inputs = environment.optional_tensor_list(info[3]), dtype = optional_dtype(info[4])](const CancelFlag&) {
        const auto device = inputs.empty() || !inputs[0].defined() ? at::kCPU : inputs[0].device().type();
        const AutocastScope autocast(device, dtype);
        return module->call(method, inputs);
      },
      [](Environment& environment, const std::vector<at::Tensor>& outputs) { return environment.handles_of(outputs); });
}

Napi::Value train(Environment& environment, const Napi::CallbackInfo& info) {
  environment.object<Module>(info[0], "module")->train(info[1].ToBoolean());
  return info.Env().Undefined();
}

Napi::Value move_to(Environment& environment, const Napi::CallbackInfo& info) {
  const auto module = environment.object<Module>(info[0], "module");
  if (const auto dtype = optional_dtype(info[2])) module->to(*dtype);
  if (info[1].IsString()) module->to(parse_device(info[1].ToString()));
  return info.Env().Undefined();
}

}  // namespace torchwright::nn
