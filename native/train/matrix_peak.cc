// How many operations a second the device's own matrix products reach: what the speed of a training is held against.
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mm.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <mutex>
#include <tuple>

#include "runtime/job.h"
#include "tensor/dtype.h"
#include "train/bindings.h"

namespace torchwright::train {

namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr Seconds kForEachWidth{0.03};
// Wider ones are left out where a product takes as long as this.
constexpr Seconds kLongest{0.005};
constexpr int64_t kLeastWidth = 256;
// Beyond these little is gained, and memory is taken from the training's own peak.
constexpr int64_t kMostWidthOfCpu = 1024;
constexpr int64_t kMostWidthOfGpu = 8192;

// A square matrix whose numbers are neither zeros, which take a GPU less power, nor drawn: no generator is touched.
at::Tensor matrix(int64_t width, at::Device device, at::ScalarType dtype) {
  const auto numbers = at::arange(width * width, at::TensorOptions().device(device).dtype(at::kFloat));
  return numbers.remainder(127).sub_(63).div_(127).to(dtype).view({width, width});
}

Seconds multiply(const at::Tensor& left, const at::Tensor& right, at::Tensor& out) {
  const auto start = Clock::now();
  at::mm_out(out, left, right);
  const at::Device device = left.device();
  if (!device.is_cpu()) c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(device.index());
  return Clock::now() - start;
}

// Operations a second of the fastest product, a multiply-add as two.
double measure(at::Device device, at::ScalarType dtype, const CancelFlag& cancel) {
  const at::NoGradGuard no_grad;
  const int64_t most = device.is_cpu() ? kMostWidthOfCpu : kMostWidthOfGpu;
  double best = 0;
  for (int64_t width = kLeastWidth; width <= most; width *= 2) {
    const at::Tensor left = matrix(width, device, dtype);
    const at::Tensor right = matrix(width, device, dtype);
    at::Tensor out = at::empty_like(left);
    Seconds shortest = multiply(left, right, out);
    for (const auto start = Clock::now(); Clock::now() - start < kForEachWidth;) {
      cancel.check();
      shortest = std::min(shortest, multiply(left, right, out));
    }
    best = std::max(best, 2 * std::pow(static_cast<double>(width), 3) / shortest.count());
    if (shortest > kLongest) break;
  }
  return best;
}

// Measured once in a process.
double matrix_peak(at::Device device, at::ScalarType dtype, const CancelFlag& cancel) {
  static std::mutex mutex;
  static std::map<std::tuple<std::string, at::ScalarType, int>, double> known;
  const std::lock_guard lock(mutex);
  const auto key = std::make_tuple(device.str(), dtype, device.is_cpu() ? at::get_num_threads() : 0);
  const auto found = known.find(key);
  return found != known.end() ? found->second : known[key] = measure(device, dtype, cancel);
}

}  // namespace

Napi::Value matrix_peak(Environment& environment, const Napi::CallbackInfo& info) {
  return submit(
      environment, info[0],
      [device = parse_device(info[1].ToString()), dtype = parse_dtype(info[2].ToString())](const CancelFlag& cancel) {
        return matrix_peak(device, dtype, cancel);
      },
      [](Environment& environment, double speed) { return Napi::Number::New(environment.napi(), speed); });
}

}  // namespace torchwright::train
