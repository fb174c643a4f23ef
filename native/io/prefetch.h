// Makes batches ahead of time on a thread of its own, in the order in which they are planned.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

#include "io/batches.h"

namespace torchwright {

class Prefetch {
 public:
  // Makes one batch; runs on the thread, outside the lock. It sees nothing that a change could alter meanwhile.
  using Make = std::function<Batch()>;
  // Gives the next batch to be made, or an empty function when there is none for now; runs under the lock.
  using Plan = std::function<Make()>;

  explicit Prefetch(Plan plan);
  // Ends the thread: an owner declares its Prefetch last, so that what the functions use outlives it.
  ~Prefetch();
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;

  // Throws what making the batch threw, and ERR_DATA when no batch is planned.
  Batch next(const CancelFlag& cancel);

  // Changes what `plan` sees.
  void change(const std::function<void()>& change);
  // The same; batches made or begun before it are thrown away.
  void restart(const std::function<void()>& change);

 private:
  static constexpr std::size_t kAhead = 3;

  void produce();

  Plan plan_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Batch> ready_;
  std::exception_ptr failure_;
  uint64_t generation_ = 0;  // counts restarts
  bool idle_ = false;        // the plan had nothing when it was last asked
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace torchwright
