#include "runtime/environment.h"

#include <algorithm>

#include "tensor/autograd/modes.h"

namespace torchwright {

namespace {

// V8 hears of external memory in steps this coarse: telling it of each tensor costs more than most operators.
constexpr int64_t kToldInSteps = 64 << 20;

// What the smallest tensor takes, with its storage and its slot: many small ones are to be collected in time too.
constexpr int64_t kLeast = 512;

int64_t bytes_of(const at::Tensor& tensor) {
  if (tensor.layout() != at::kStrided || !tensor.has_storage()) return kLeast;
  // An expanded view has more elements than memory, perhaps more than can be counted.
  return kLeast + static_cast<int64_t>(std::min(tensor.nbytes(), tensor.storage().nbytes()));
}

}  // namespace

Environment::Environment(Napi::Env env)
    : env_(env), callbacks_(std::make_shared<Callbacks>(*this)), compute_(std::make_unique<ComputeThread>(*this)) {
  // Hooks run in reverse order: added after those of the channels' own, this one ends what uses them before they close.
  napi_add_env_cleanup_hook(env, on_cleanup, this);
}

Environment::~Environment() { napi_remove_env_cleanup_hook(env_, on_cleanup, this); }

void Environment::on_cleanup(void* data) {
  auto* self = static_cast<Environment*>(data);
  leave_modes(*self);
  self->callbacks_->close();  // a job that waits for JavaScript would never end
  self->compute_->stop();
  self->objects_.clear();
  self->tensors_.clear();
}

void Environment::tell_v8(int64_t change) {
  bytes_ += change;
  const int64_t untold = bytes_ - bytes_told_;
  if (untold < kToldInSteps && untold > -kToldInSteps) return;
  int64_t total;
  napi_adjust_external_memory(env_, untold, &total);
  bytes_told_ = bytes_;
}

Handle Environment::add_tensor(at::Tensor tensor) {
  tell_v8(bytes_of(tensor));
  return tensors_.add(std::move(tensor));
}

at::Tensor Environment::take_tensor(Handle handle) {
  at::Tensor tensor = tensors_.take(handle);
  if (tensor.defined()) tell_v8(-bytes_of(tensor));
  return tensor;
}

const at::Tensor& Environment::tensor(Napi::Value handle) {
  if (!handle.IsNumber()) throw Error(code::kArgument, "expected a tensor");
  return tensors_.get(handle.As<Napi::Number>().DoubleValue());
}

at::Tensor Environment::optional_tensor(Napi::Value handle) {
  if (handle.IsNull() || handle.IsUndefined()) return at::Tensor();
  return tensor(handle);
}

std::vector<at::Tensor> Environment::tensor_list(Napi::Value handles) {
  if (!handles.IsArray()) throw Error(code::kArgument, "expected an array of tensors");
  const auto array = handles.As<Napi::Array>();
  std::vector<at::Tensor> tensors;
  tensors.reserve(array.Length());
  for (uint32_t i = 0; i < array.Length(); ++i) tensors.push_back(tensor(array.Get(i)));
  return tensors;
}

std::vector<at::Tensor> Environment::optional_tensor_list(Napi::Value handles) {
  if (!handles.IsArray()) throw Error(code::kArgument, "expected an array of tensors");
  const auto array = handles.As<Napi::Array>();
  std::vector<at::Tensor> tensors;
  tensors.reserve(array.Length());
  for (uint32_t i = 0; i < array.Length(); ++i) tensors.push_back(optional_tensor(array.Get(i)));
  return tensors;
}

Napi::Value Environment::handles_of(const std::vector<at::Tensor>& tensors) {
  auto array = Napi::Array::New(env_, tensors.size());
  for (uint32_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].defined()) {
      array.Set(i, Napi::Number::New(env_, add_tensor(tensors[i])));
    } else {
      array.Set(i, env_.Null());
    }
  }
  return array;
}

CancelFlag Environment::cancel_flag(Napi::Value token) {
  const double id = token.IsNumber() ? token.As<Napi::Number>().DoubleValue() : 0;
  return id == 0 ? CancelFlag() : *cancel_flags_.get(id);
}

Napi::Value Environment::make_error(const ErrorReport& report) {
  if (report.thrown) return callbacks_->value_of(*report.thrown);
  const auto message = Napi::String::New(env_, report.message);
  if (error_factory_.IsEmpty()) return Napi::Error::New(env_, report.message).Value();
  const Napi::Value trace = report.trace ? Napi::Function::New(env_,
                                                               [find = report.trace](const Napi::CallbackInfo& info) {
                                                                 return Napi::String::New(info.Env(), find());
                                                               })
                                         : env_.Undefined();
  return error_factory_.Call({Napi::String::New(env_, report.code), message, trace});
}

}  // namespace torchwright
