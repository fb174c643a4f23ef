// Where the time of a training step goes.
#pragma once

#include <ATen/record_function.h>
#include <c10/core/Device.h>
#include <c10/core/Event.h>

#include <array>
#include <chrono>
#include <optional>
#include <vector>

namespace torchwright::train {

enum class Part { kData, kForward, kBackward, kOptimizer };
constexpr std::array<const char*, 4> kPartNames{"data", "forward", "backward", "optimizer"};

// Seconds of each part, in that order.
using Split = std::array<double, 4>;

// A clock of the host on the CPU. On a GPU, where the host only enqueues, the device itself marks where parts begin,
// and nothing waits for it: `split` is to be asked for once all that was enqueued is done. Getting batches is the
// host's work everywhere. A profiler that records sees the parts as ranges of their names.
class Timer {
 public:
  Timer();
  // Ends the part that runs, if one does, and begins another.
  void begin(Part part);
  void end();
  // From the next part on, the device's own time counts.
  void on(at::Device device);
  Split split() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Interval {
    Part part;
    c10::Event begin, end;
  };
  c10::Event mark() const;

  std::optional<at::Device> device_;  // none where the host's clock tells
  std::optional<Part> running_;
  Clock::time_point began_;
  std::optional<at::RecordFunction> range_;  // the running part, for a profiler
  std::optional<c10::Event> event_;          // where the running part began, on a device
  std::vector<Interval> intervals_;
  Split host_{};
};

}  // namespace torchwright::train
