#include "tensor/autograd/saved.h"

#include <torch/csrc/autograd/saved_variable.h>

#include <utility>

#include "runtime/environment.h"
#include "tensor/autograd/bindings.h"
#include "tensor/autograd/modes.h"

namespace torchwright {

namespace {

using torch::autograd::SavedVariable;

// The number under which JavaScript's table has the function that packs.
constexpr double kPack = 0;

// JavaScript packs under the hooks of its context, and keeps what unpacks in its table under a number given here.
class SavedHooks final : public torch::autograd::SavedVariableHooks {
 public:
  explicit SavedHooks(Environment& environment) : environment_(environment) {}

  void call_pack_hook(const at::Tensor& tensor) override {
    auto& callbacks = environment_.callbacks();
    const double number = callbacks.new_number();
    // A tensor that knows its graph would keep itself: the graph keeps what is packed.
    const at::Tensor values = tensor.detach();
    callbacks.visit([&](Environment&) { callbacks.call(kPack, number, {values}); });
    packed_ = callbacks.hold(number);
  }

  at::Tensor call_unpack_hook() override { return packed_->call({}).at(0); }

 private:
  Environment& environment_;  // used while packing only, on its own thread
  std::shared_ptr<Held> packed_;
};

thread_local const MakeSavedHooks* native_hooks = nullptr;

}  // namespace

SavingBy::SavingBy(MakeSavedHooks make) : make_(std::move(make)), previous_(std::exchange(native_hooks, &make_)) {}
SavingBy::~SavingBy() { native_hooks = previous_; }

std::unique_ptr<torch::autograd::SavedVariableHooks> default_saved_hooks() {
  if (native_hooks != nullptr) return (*native_hooks)();
  Environment* environment = environment_in(mode::kSavedTensorHooks);
  return environment == nullptr ? nullptr : std::make_unique<SavedHooks>(*environment);
}

namespace tensor {

Napi::Value save_tensor(Environment& environment, const Napi::CallbackInfo& info) {
  return environment.add_object(std::make_shared<SavedVariable>(environment.tensor(info[0]), false));
}

Napi::Value unpack_tensor(Environment& environment, const Napi::CallbackInfo& info) {
  const auto saved = environment.object<SavedVariable>(info[0], "saved tensor");
  return Napi::Number::New(info.Env(), environment.add_tensor(saved->unpack()));
}

}  // namespace tensor
}  // namespace torchwright
