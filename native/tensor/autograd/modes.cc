#include "tensor/autograd/modes.h"

#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/anomaly_mode.h>

#include <atomic>

#include "runtime/environment.h"
#include "tensor/autograd/bindings.h"

namespace torchwright {

namespace {

using torch::autograd::AnomalyMode;

constexpr uint32_t kOwn = mode::kAnomaly | mode::kCheckNan | mode::kSavedTensorHooks;
constexpr uint32_t kAutocast = mode::kAutocastCpu | mode::kAutocastCuda;

// Libtorch's switch of anomaly detection is one for the whole process: it is on while any thread wants it. What it then
// calls (engine.cc) looks at its own thread.
std::atomic<int> anomalous_threads{0};

// The modes that libtorch keeps no thread-local state of.
struct OwnModes {
  uint32_t bits = 0;
  Environment* environment = nullptr;

  void set(uint32_t wanted, Environment* of) {
    const int change = ((wanted & mode::kAnomaly) != 0) - ((bits & mode::kAnomaly) != 0);
    // Libtorch's own test for NaN is left off: it would reach other threads' work too.
    if (change != 0) AnomalyMode::set_enabled((anomalous_threads += change) > 0, false);
    bits = wanted;
    environment = wanted != 0 ? of : nullptr;
  }

  ~OwnModes() { set(0, nullptr); }
};

thread_local OwnModes own;

void set_inference(bool enabled) {
  if (c10::InferenceMode::is_enabled() == enabled) return;
  auto& state = c10::AutogradState::get_tls_state();
  state.set_inference_mode(enabled);
  state.set_fw_grad_mode(!enabled);
  state.set_multithreading_enabled(!enabled);
  const auto keys = c10::impl::tls_local_dispatch_key_set();
  constexpr auto kInplace = c10::DispatchKey::ADInplaceOrView;
  c10::impl::PODLocalDispatchKeySet changed{};
  changed.set_included(enabled ? keys.included_.remove(kInplace) : keys.included_.add(kInplace));
  changed.set_excluded(enabled ? keys.excluded_ | c10::autograd_dispatch_keyset
                               : keys.excluded_ - c10::autograd_dispatch_keyset);
  c10::impl::_force_tls_local_dispatch_key_set(changed);
}

void set_autocast(at::DeviceType device, bool enabled, bool half) {
  if (at::autocast::is_autocast_enabled(device) != enabled) at::autocast::set_autocast_enabled(device, enabled);
  if (enabled) at::autocast::set_autocast_dtype(device, half ? at::kHalf : at::kBFloat16);
}

uint32_t autocast_bits(at::DeviceType device, uint32_t enabled, uint32_t half) {
  if (!at::autocast::is_autocast_enabled(device)) return 0;
  return enabled | (at::autocast::get_autocast_dtype(device) == at::kHalf ? half : 0);
}

}  // namespace

uint32_t current_modes() {
  return (at::GradMode::is_enabled() ? mode::kGrad : 0) | (c10::InferenceMode::is_enabled() ? mode::kInference : 0) |
         autocast_bits(at::kCPU, mode::kAutocastCpu, mode::kAutocastCpuHalf) |
         autocast_bits(at::kCUDA, mode::kAutocastCuda, mode::kAutocastCudaHalf) |
         (at::autocast::is_autocast_cache_enabled() ? mode::kAutocastCache : 0) | own.bits;
}

void set_modes(Environment& environment, uint32_t modes) {
  const uint32_t changed = current_modes() ^ modes;
  set_inference((modes & mode::kInference) != 0);
  at::GradMode::set_enabled((modes & mode::kGrad) != 0);
  if ((changed & ~(mode::kGrad | mode::kInference)) != 0) {
    set_autocast(at::kCPU, (modes & mode::kAutocastCpu) != 0, (modes & mode::kAutocastCpuHalf) != 0);
    set_autocast(at::kCUDA, (modes & mode::kAutocastCuda) != 0, (modes & mode::kAutocastCudaHalf) != 0);
    at::autocast::set_autocast_cache_enabled((modes & mode::kAutocastCache) != 0);
    own.set(modes & kOwn, &environment);
  }
  // Weights that autocast has cast are kept for as long as it stays on without a break: beyond it they may change. What
  // was cast without gradients cannot serve work with them.
  const bool casting = ((modes | (changed & kAutocast)) & kAutocast) != 0;
  if (casting && (changed & (kAutocast | mode::kGrad)) != 0) at::autocast::clear_cache();
}

Environment* environment_in(uint32_t mode) { return (own.bits & mode) != 0 ? own.environment : nullptr; }

void leave_modes(Environment& environment) {
  if (own.environment == &environment) own.set(0, nullptr);
}

namespace tensor {

Napi::Value modes(Environment&, const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), current_modes());
}

Napi::Value set_modes(Environment& environment, const Napi::CallbackInfo& info) {
  torchwright::set_modes(environment, info[0].ToNumber().Uint32Value());
  return info.Env().Undefined();
}

}  // namespace tensor
}  // namespace torchwright
