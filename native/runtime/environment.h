// All that belongs to one JavaScript environment (the main thread or a worker): handles, objects, jobs, the maker of
// errors.
#pragma once

#include <ATen/core/Tensor.h>
#include <napi.h>

#include <memory>
#include <string>
#include <typeinfo>

#include "runtime/callbacks.h"
#include "runtime/cancel.h"
#include "runtime/compute_thread.h"
#include "runtime/errors.h"
#include "runtime/handle_table.h"
#include "tensor/calls.h"
#include "tensor/operators.h"

namespace torchwright {

class Environment {
 public:
  explicit Environment(Napi::Env env);
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  Napi::Env napi() const { return env_; }
  napi_env env() const { return env_; }

  // Tensors -------------------------------------------------------------------------------------------------------
  HandleTable<at::Tensor>& tensors() { return tensors_; }
  // Gives a tensor to JavaScript. It must be defined.
  Handle add_tensor(at::Tensor tensor);
  at::Tensor take_tensor(Handle handle);
  const at::Tensor& tensor(Napi::Value handle);
  // An undefined tensor for null and undefined.
  at::Tensor optional_tensor(Napi::Value handle);
  std::vector<at::Tensor> tensor_list(Napi::Value handles);
  std::vector<at::Tensor> optional_tensor_list(Napi::Value handles);
  // null for an undefined tensor.
  Napi::Value handles_of(const std::vector<at::Tensor>& tensors);

  // Native objects: modules, optimisers, generators, files ----------------------------------------------------------
  template <typename T>
  Napi::Value add_object(std::shared_ptr<T> object) {
    return Napi::Number::New(env_, objects_.add({std::move(object), &typeid(T)}));
  }
  template <typename T>
  std::shared_ptr<T> object(Napi::Value id, const char* what) {
    if (!id.IsNumber()) throw Error(code::kArgument, std::string("expected a ") + what);
    return object<T>(id.As<Napi::Number>().DoubleValue(), what);
  }
  template <typename T>
  std::shared_ptr<T> object(Handle id, const char* what) {
    const Object& entry = objects_.get(id);
    if (*entry.type != typeid(T)) throw Error(code::kArgument, std::string("this native object is not a ") + what);
    return std::static_pointer_cast<T>(entry.value);
  }
  void free_object(Handle id) { static_cast<void>(objects_.take(id)); }

  // Jobs ----------------------------------------------------------------------------------------------------------
  ComputeThread& compute() { return *compute_; }
  HandleTable<std::shared_ptr<CancelFlag>>& cancel_flags() { return cancel_flags_; }
  // A fresh flag, never raised, for token 0.
  CancelFlag cancel_flag(Napi::Value token);

  // JavaScript called back ----------------------------------------------------------------------------------------
  Callbacks& callbacks() { return *callbacks_; }
  // For what may outlive the environment.
  const std::shared_ptr<Callbacks>& shared_callbacks() const { return callbacks_; }

  // Errors --------------------------------------------------------------------------------------------------------
  void set_error_factory(Napi::Function factory) { error_factory_ = Napi::Persistent(factory); }
  Napi::Value make_error(const ErrorReport& report);

  OperatorTable operators;
  Calls calls;

 private:
  struct Object {
    std::shared_ptr<void> value;
    const std::type_info* type = nullptr;
  };

  static void on_cleanup(void* self);
  void tell_v8(int64_t change);

  Napi::Env env_;
  HandleTable<at::Tensor> tensors_{"tensor"};
  HandleTable<Object> objects_{"native object"};
  HandleTable<std::shared_ptr<CancelFlag>> cancel_flags_{"cancellation token"};
  Napi::FunctionReference error_factory_;
  int64_t bytes_ = 0;       // held by live handles, views counted as if they owned
  int64_t bytes_told_ = 0;  // what V8 was told of them
  std::shared_ptr<Callbacks> callbacks_;
  std::unique_ptr<ComputeThread> compute_;
};

}  // namespace torchwright
