// The environment's own thread for long work: jobs run in order and settle a Promise each.
#pragma once

#include <napi.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "runtime/cancel.h"

namespace torchwright {

class Environment;

// One piece of long work. `run` sees no JavaScript; `result` runs back on the JavaScript thread.
class Job {
 public:
  virtual ~Job() = default;
  virtual void run(const CancelFlag& cancel) = 0;
  virtual Napi::Value result(Environment& environment) = 0;
};

class ComputeThread {
 public:
  explicit ComputeThread(Environment& environment);
  ~ComputeThread();
  ComputeThread(const ComputeThread&) = delete;
  ComputeThread& operator=(const ComputeThread&) = delete;

  // Queues a job under the caller's grad mode and other thread-local state of libtorch.
  Napi::Promise submit(std::unique_ptr<Job> job, CancelFlag cancel);

  // Whether jobs run or wait.
  bool busy() const { return pending_ > 0; }

  // Cancels what runs and what waits, and joins. Nothing is settled after it.
  void stop();

 private:
  struct Entry;

  void loop();
  void settle(Entry& entry);
  static void on_settled(napi_env env, napi_value callback, void* context, void* data);

  Environment& environment_;
  napi_threadsafe_function settled_ = nullptr;
  std::size_t pending_ = 0;  // JavaScript thread only: keeps the event loop alive while above zero

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<Entry>> queue_;
  CancelFlag running_cancel_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace torchwright
