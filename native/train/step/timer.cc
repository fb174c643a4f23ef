#include "train/step/timer.h"

#include <c10/core/impl/VirtualGuardImpl.h>

#include <utility>

namespace torchwright::train {

Timer::Timer() = default;

void Timer::on(at::Device device) {
  end();
  if (!device.is_cpu()) device_ = device;
}

void Timer::begin(Part part) {
  end();
  running_ = part;
  range_.emplace(at::RecordScope::USER_SCOPE);
  if (range_->isActive()) range_->before(kPartNames[static_cast<std::size_t>(part)]);
  if (device_) {
    event_.emplace(mark());
  } else {
    began_ = Clock::now();
  }
}

void Timer::end() {
  if (!running_) return;
  if (event_) {
    intervals_.push_back({*running_, std::move(*event_), mark()});
    event_.reset();
  } else {
    host_[static_cast<std::size_t>(*running_)] += std::chrono::duration<double>(Clock::now() - began_).count();
  }
  running_.reset();
  range_.reset();
}

Split Timer::split() const {
  Split seconds = host_;
  for (const Interval& interval : intervals_) {
    seconds[static_cast<std::size_t>(interval.part)] += interval.begin.elapsedTime(interval.end) / 1000;
  }
  return seconds;
}

c10::Event Timer::mark() const {
  c10::Event event(device_->type(), c10::EventFlag::BACKEND_DEFAULT);
  event.record(c10::impl::VirtualGuardImpl(device_->type()).getStream(*device_));
  return event;
}

}  // namespace torchwright::train
