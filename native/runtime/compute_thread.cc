#include "runtime/compute_thread.h"

#include <ATen/Parallel.h>
#include <ATen/ThreadLocalState.h>
#include <ATen/autocast_mode.h>

#include <chrono>
#include <optional>

#include "runtime/environment.h"
#include "runtime/thread_team.h"

namespace torchwright {

// So long after its last job the thread gives up its team. Between the jobs of a training it passes far less.
constexpr std::chrono::milliseconds kIdle{50};

struct ComputeThread::Entry {
  std::unique_ptr<Job> job;
  CancelFlag cancel;
  at::ThreadLocalState state;
  int threads;
  Napi::Promise::Deferred deferred;
  std::optional<ErrorReport> failure;
};

ComputeThread::ComputeThread(Environment& environment) : environment_(environment) {
  const napi_env env = environment.env();
  napi_value name;
  napi_create_string_utf8(env, "torchwright compute", NAPI_AUTO_LENGTH, &name);
  napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, on_settled, &settled_);
  napi_unref_threadsafe_function(env, settled_);
}

ComputeThread::~ComputeThread() { stop(); }

Napi::Promise ComputeThread::submit(std::unique_ptr<Job> job, CancelFlag cancel) {
  auto deferred = Napi::Promise::Deferred::New(environment_.napi());
  const Napi::Promise promise = deferred.Promise();
  auto entry = std::unique_ptr<Entry>(
      new Entry{std::move(job), cancel, at::ThreadLocalState(), at::get_num_threads(), deferred, std::nullopt});
  if (pending_++ == 0) napi_ref_threadsafe_function(environment_.env(), settled_);
  dismiss_thread_team();
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(entry));
    if (!thread_.joinable()) thread_ = std::thread([this] { loop(); });
  }
  wake_.notify_one();
  return promise;
}

void ComputeThread::loop() {
  for (;;) {
    std::unique_ptr<Entry> entry;
    {
      std::unique_lock lock(mutex_);
      const auto called = [this] { return stopping_ || !queue_.empty(); };
      if (!wake_.wait_for(lock, kIdle, called)) {
        lock.unlock();
        dismiss_thread_team();
        lock.lock();
        wake_.wait(lock, called);
      }
      if (stopping_) return;
      entry = std::move(queue_.front());
      queue_.pop_front();
      running_cancel_ = entry->cancel;
    }
    try {
      entry->cancel.check();
      // The number of threads is a setting of each thread in OpenMP: take over the caller's.
      if (at::get_num_threads() != entry->threads) at::set_num_threads(entry->threads);
      const at::ThreadLocalStateGuard guard(entry->state);
      // What the job before cast under its caller's autocast must not serve this one: weights change in between.
      at::autocast::clear_cache();
      entry->job->run(entry->cancel);
    } catch (...) {
      entry->failure = describe_current_exception();
    }
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) {
        queue_.push_back(std::move(entry));  // it may hold JavaScript's own: it ends with the rest, on that thread
        return;
      }
    }
    if (napi_call_threadsafe_function(settled_, entry.get(), napi_tsfn_nonblocking) == napi_ok) {
      static_cast<void>(entry.release());  // `on_settled` owns it now
    }
  }
}

void ComputeThread::on_settled(napi_env env, napi_value, void* context, void* data) {
  auto* self = static_cast<ComputeThread*>(context);
  const std::unique_ptr<Entry> entry(static_cast<Entry*>(data));
  if (env == nullptr) return;  // the environment is going away
  const Napi::HandleScope scope(env);
  self->settle(*entry);
  if (--self->pending_ == 0) napi_unref_threadsafe_function(env, self->settled_);
}

void ComputeThread::settle(Entry& entry) {
  try {
    if (!entry.failure) {
      try {
        entry.deferred.Resolve(entry.job->result(environment_));
        return;
      } catch (const Napi::Error&) {
        throw;
      } catch (...) {
        entry.failure = describe_current_exception();
      }
    }
    entry.deferred.Reject(environment_.make_error(*entry.failure));
  } catch (const Napi::Error& error) {
    try {
      entry.deferred.Reject(error.Value());
    } catch (const Napi::Error&) {
      // A worker that is being ended refuses every call: nobody is left to hear of the result.
    }
  }
}

void ComputeThread::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
    running_cancel_.raise();
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  queue_.clear();
  napi_release_threadsafe_function(settled_, napi_tsfn_abort);
}

}  // namespace torchwright
