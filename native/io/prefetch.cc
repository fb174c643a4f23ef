#include "io/prefetch.h"

#include <chrono>

#include "runtime/errors.h"

namespace torchwright {

Prefetch::Prefetch(Plan plan) : plan_(std::move(plan)), thread_([this] { produce(); }) {}

Prefetch::~Prefetch() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

Batch Prefetch::next(const CancelFlag& cancel) {
  std::unique_lock lock(mutex_);
  const auto settled = [this] { return !ready_.empty() || failure_ || idle_; };
  while (!changed_.wait_for(lock, std::chrono::milliseconds(50), settled)) cancel.check();
  if (!ready_.empty()) {
    Batch batch = std::move(ready_.front());
    ready_.pop_front();
    lock.unlock();
    changed_.notify_all();
    return batch;
  }
  if (failure_) std::rethrow_exception(failure_);
  throw Error(code::kData, "there is no batch left: all that were planned have been taken");
}

void Prefetch::change(const std::function<void()>& change) {
  {
    const std::lock_guard lock(mutex_);
    change();
    idle_ = false;
  }
  changed_.notify_all();
}

void Prefetch::restart(const std::function<void()>& change) {
  this->change([&] {
    change();
    ++generation_;
    ready_.clear();
  });
}

void Prefetch::produce() {
  for (;;) {
    Make make;
    uint64_t generation;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || (ready_.size() < kAhead && !failure_ && !idle_); });
      if (stopping_) return;
      generation = generation_;
      make = plan_();
      idle_ = !make;
    }
    if (make) {
      try {
        Batch made = make();
        const std::lock_guard lock(mutex_);
        if (generation == generation_) ready_.push_back(std::move(made));
      } catch (...) {
        const std::lock_guard lock(mutex_);
        failure_ = std::current_exception();
      }
    }
    changed_.notify_all();
  }
}

}  // namespace torchwright
