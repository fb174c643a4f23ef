#include "nn/checkpoint.h"

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "nn/autocast.h"
#include "runtime/errors.h"
#include "runtime/memory.h"
#include "tensor/autograd/saved.h"

namespace torchwright {

namespace {

using torch::autograd::SavedVariableHooks;

at::Tensor random_state(at::Device device) {
  at::Generator generator = at::globalContext().defaultGenerator(device);
  const std::lock_guard<std::mutex> lock(generator.mutex());
  return generator.get_state();
}

void set_random_state(at::Device device, const at::Tensor& state) {
  at::Generator generator = at::globalContext().defaultGenerator(device);
  const std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_state(state);
}

// Puts a device's random numbers back where they were.
class RandomStateAt {
 public:
  RandomStateAt(at::Device device, const at::Tensor& state) : device_(device), before_(random_state(device)) {
    set_random_state(device, state);
  }
  ~RandomStateAt() { set_random_state(device_, before_); }
  RandomStateAt(const RandomStateAt&) = delete;
  RandomStateAt& operator=(const RandomStateAt&) = delete;

 private:
  at::Device device_;
  at::Tensor before_;
};

// Puts a module's buffers back as they were: what a norm has gathered of a batch, it must not gather twice.
class BuffersAsNow {
 public:
  explicit BuffersAsNow(const torch::nn::Module& module) {
    for (const at::Tensor& buffer : module.buffers()) before_.emplace_back(buffer, buffer.clone());
  }
  ~BuffersAsNow() {
    const at::NoGradGuard no_grad;
    for (auto& [buffer, values] : before_) buffer.copy_(values);
  }
  BuffersAsNow(const BuffersAsNow&) = delete;
  BuffersAsNow& operator=(const BuffersAsNow&) = delete;

 private:
  std::vector<std::pair<at::Tensor, at::Tensor>> before_;
};

// What must be as it was when the segment runs again.
struct ModuleState {
  bool training;
  std::vector<std::pair<at::Tensor, int64_t>> parameters;  // with their versions

  explicit ModuleState(const torch::nn::Module& module) : training(module.is_training()) {
    for (const at::Tensor& parameter : module.parameters()) parameters.emplace_back(parameter, parameter._version());
  }

  void check(bool training_now) const {
    const auto refuse = [](const std::string& what) {
      throw Error(code::kAutograd,
                  "activation checkpointing runs a part of the model again in the backward pass, and " + what +
                      " since the forward pass: call backward() before that");
    };
    if (training_now != training) refuse("the model went from one of train() and eval() to the other");
    for (const auto& [parameter, version] : parameters) {
      if (parameter._version() != version) refuse("a parameter has been changed");
    }
  }
};

// One run of a segment, kept alive by the graph's nodes that wait for its tensors.
class Frame : public std::enable_shared_from_this<Frame> {
 public:
  Frame(const torch::nn::Module& module, std::vector<at::Tensor> inputs, Segment run)
      : module_(module),
        state_(module),
        inputs_(std::move(inputs)),
        run_(std::move(run)),
        device_(inputs_.at(0).device()),
        random_(random_state(device_)) {
    if (at::autocast::is_autocast_enabled(device_.type())) autocast_ = at::autocast::get_autocast_dtype(device_.type());
  }

  at::Tensor forward();

  // The saved tensor of this number.
  at::Tensor take(std::size_t number);

 private:
  void run_again();

  const torch::nn::Module& module_;  // `run` keeps it
  ModuleState state_;
  std::vector<at::Tensor> inputs_;
  Segment run_;
  at::Device device_;
  at::Tensor random_;
  std::optional<at::ScalarType> autocast_;
  std::size_t count_ = 0;             // saved in the first run
  std::vector<at::Tensor> restored_;  // by a further run; each is taken once in a backward pass
};

// In the first run nothing is kept but the number.
class Dropped final : public SavedVariableHooks {
 public:
  Dropped(std::shared_ptr<Frame> frame, std::size_t number) : frame_(std::move(frame)), number_(number) {}
  void call_pack_hook(const at::Tensor&) override {}
  at::Tensor call_unpack_hook() override { return frame_->take(number_); }

 private:
  std::shared_ptr<Frame> frame_;
  std::size_t number_;
};

// In a further run tensors go into a list; its graph is thrown away.
class Collected final : public SavedVariableHooks {
 public:
  explicit Collected(std::vector<at::Tensor>& list) : list_(list) {}
  void call_pack_hook(const at::Tensor& tensor) override { list_.push_back(tensor.detach()); }
  at::Tensor call_unpack_hook() override {
    throw Error(code::kAutograd, "a checkpointed segment must not differentiate anything itself");
  }

 private:
  std::vector<at::Tensor>& list_;
};

at::Tensor Frame::forward() {
  if (device_.is_cpu()) release_heap_gaps();  // those of the segment before
  const SavingBy saving([this] { return std::make_unique<Dropped>(shared_from_this(), count_++); });
  return run_(inputs_);
}

at::Tensor Frame::take(std::size_t number) {
  if (number >= restored_.size() || !restored_[number].defined()) run_again();
  return std::exchange(restored_[number], at::Tensor());
}

void Frame::run_again() {
  state_.check(module_.is_training());
  if (device_.is_cpu()) release_heap_gaps();
  std::vector<at::Tensor> inputs;
  for (const at::Tensor& input : inputs_) {
    inputs.push_back(input.defined() ? input.detach().set_requires_grad(input.requires_grad()) : input);
  }
  std::vector<at::Tensor> saved;
  {
    const at::AutoGradMode with_gradient(true);
    const AutocastScope autocast(device_.type(), autocast_);
    const RandomStateAt random(device_, random_);
    const BuffersAsNow buffers(module_);
    const SavingBy saving([&saved] { return std::make_unique<Collected>(saved); });
    run_(inputs);
  }
  if (saved.size() != count_) {
    throw Error(code::kAutograd, "a checkpointed segment saved " + std::to_string(count_) +
                                     " tensors in the forward pass, and " + std::to_string(saved.size()) +
                                     " when it was run again");
  }
  restored_ = std::move(saved);
}

}  // namespace

at::Tensor checkpointed(const torch::nn::Module& module, std::vector<at::Tensor> inputs, Segment run) {
  if (!at::GradMode::is_enabled()) return run(inputs);
  return std::make_shared<Frame>(module, std::move(inputs), std::move(run))->forward();
}

}  // namespace torchwright
