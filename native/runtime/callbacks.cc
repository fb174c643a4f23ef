#include "runtime/callbacks.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/graph_task.h>

#include <utility>

#include "runtime/environment.h"
#include "tensor/autograd/modes.h"

namespace torchwright {

namespace {

// Libtorch hands backward passes nested deeper than this (60) to another thread and blocks: before that, they move to a
// thread of ours, so that this one can answer.
constexpr int kDeepest = 32;

template <typename T>
class Restored {
 public:
  Restored(T& place, T value) : place_(place), former_(std::exchange(place, value)) {}
  ~Restored() { place_ = former_; }
  Restored(const Restored&) = delete;
  Restored& operator=(const Restored&) = delete;

 private:
  T& place_;
  T former_;
};

[[noreturn]] void throw_closed() {
  throw Error(code::kAborted, "the JavaScript that was to be called belongs to an environment that has ended");
}

}  // namespace

// Something to be run by a thread that is not JavaScript's, while that one answers visits.
struct Callbacks::Work {
  const std::function<void()>& body;
  at::ThreadLocalState state;
  std::exception_ptr failure = nullptr;
  bool done = false;
};

struct Callbacks::Request {
  const Visit& body;
  at::ThreadLocalState state;
  int task;
  Work* work = nullptr;  // what the waiting thread is asked to run meanwhile
  std::exception_ptr failure = nullptr;
  bool done = false;
};

Held::Held(std::shared_ptr<Callbacks> callbacks, double number) : callbacks_(std::move(callbacks)), number_(number) {
  const std::lock_guard lock(callbacks_->mutex_);
  ++callbacks_->held_;
}

Held::~Held() { callbacks_->release(number_); }

std::vector<at::Tensor> Held::call(const std::vector<at::Tensor>& tensors, double extra) const {
  std::vector<at::Tensor> results;
  callbacks_->visit([&](Environment&) { results = callbacks_->call(number_, extra, tensors); });
  return results;
}

Callbacks::Callbacks(Environment& environment) : environment_(&environment) {
  const napi_env env = environment.env();
  napi_value name;
  napi_create_string_utf8(env, "torchwright callbacks", NAPI_AUTO_LENGTH, &name);
  napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, on_wake, &waker_);
  napi_unref_threadsafe_function(env, waker_);
}

void Callbacks::initialize(Napi::Object functions) { functions_ = Napi::Persistent(functions); }

std::shared_ptr<Held> Callbacks::hold(double number) { return std::make_shared<Held>(shared_from_this(), number); }

double Callbacks::new_number() { return --last_number_; }

void Callbacks::release(double number) {
  const std::lock_guard lock(mutex_);
  --held_;
  if (closed_) return;
  released_.push_back(number);
  if (released_.size() == 1) wake();
}

std::vector<double> Callbacks::take_released() {
  const std::lock_guard lock(mutex_);
  return std::exchange(released_, {});
}

void Callbacks::wake() {
  changed_.notify_all();
  napi_call_threadsafe_function(waker_, nullptr, napi_tsfn_nonblocking);
}

// An environment that is being ended refuses every call of Node-API.
void Callbacks::enter(const Visit& body) {
  try {
    const Napi::HandleScope scope(environment_->napi());
    body(*environment_);
  } catch (const Napi::Error&) {
    throw_closed();
  }
}

void Callbacks::visit(const Visit& body) {
  if (std::this_thread::get_id() == javascript_thread_) {
    if (closed_) throw_closed();
    // What JavaScript does to this thread's modes ends with the visit.
    const at::ThreadLocalStateGuard guard{at::ThreadLocalState()};
    const Restored<int> task(task_, torch::autograd::get_current_graph_task_id());
    enter(body);
    return;
  }
  Request request{body, at::ThreadLocalState(), torch::autograd::get_current_graph_task_id()};
  std::unique_lock lock(mutex_);
  if (closed_) throw_closed();
  queue_.push_back(&request);
  wake();
  for (;;) {
    changed_.wait(lock, [&] { return request.done || request.work != nullptr || closed_; });
    if (request.done) break;
    if (closed_) throw_closed();  // in the middle of the visit, by process.exit()
    Work& work = *std::exchange(request.work, nullptr);
    lock.unlock();
    perform(work);
    lock.lock();
  }
  if (request.failure) std::rethrow_exception(request.failure);
}

void Callbacks::perform(Work& work) {
  try {
    const at::ThreadLocalStateGuard guard(work.state);
    work.body();
  } catch (...) {
    work.failure = std::current_exception();
  }
  const std::lock_guard lock(mutex_);
  work.done = true;
  changed_.notify_all();
}

void Callbacks::answer(Request& request) {
  {
    const at::ThreadLocalStateGuard guard(request.state);
    const Restored<Request*> serving(serving_, &request);
    const Restored<int> task(task_, request.task);
    try {
      enter(request.body);
    } catch (...) {
      request.failure = std::current_exception();
    }
  }
  const std::lock_guard lock(mutex_);
  request.done = true;
  changed_.notify_all();
}

void Callbacks::serve_until(const bool& done) {
  std::unique_lock lock(mutex_);
  while (!done) {
    if (queue_.empty()) {
      changed_.wait(lock);
      continue;
    }
    Request& request = *queue_.front();
    queue_.pop_front();
    lock.unlock();
    answer(request);
    lock.lock();
  }
}

// Whether callbacks may come from other threads while this one would be blocked inside libtorch: its threads for each
// GPU, those for deep nesting, and our compute thread, which may hold a lock that the work waits for.
bool Callbacks::needs_a_thread() const {
  return held_ > 0 && (depth_ >= kDeepest || at::hasCUDA() || environment_->compute().busy());
}

void Callbacks::run(const std::function<void()>& body) {
  Work work{body, at::ThreadLocalState()};
  if (serving_ != nullptr) {
    // The thread that waits for this visit runs the work: to libtorch a backward pass within a backward pass belongs to
    // the thread of the outer one.
    {
      const std::lock_guard lock(mutex_);
      serving_->work = &work;
      changed_.notify_all();
    }
    serve_until(work.done);
  } else if (needs_a_thread()) {
    const Restored<int> depth(depth_, 0);
    std::thread thread([&, threads = at::get_num_threads()] {
      // OpenMP's number of threads is a setting of each thread.
      if (at::get_num_threads() != threads) at::set_num_threads(threads);
      perform(work);
    });
    serve_until(work.done);
    thread.join();
  } else {
    const Restored<int> depth(depth_, depth_ + 1);
    body();
  }
  if (work.failure) std::rethrow_exception(work.failure);
}

Napi::Value Callbacks::invoke(const char* name, const std::vector<napi_value>& arguments) {
  if (functions_.IsEmpty()) throw Error(code::kArgument, "callbacks were not initialised");
  return functions_.Get(name).As<Napi::Function>().Call(functions_.Value(), arguments);
}

std::vector<at::Tensor> Callbacks::call(double number, double extra, const std::vector<at::Tensor>& tensors) {
  const Napi::Env env = environment_->napi();
  const Napi::Value answer =
      invoke("call", {Napi::Number::New(env, number), Napi::Number::New(env, current_modes()),
                      Napi::Number::New(env, task_), Napi::Number::New(env, extra), environment_->handles_of(tensors)});
  if (answer.IsNumber()) throw ThrownByJavaScript(hold(answer.As<Napi::Number>().DoubleValue()));
  std::vector<at::Tensor> results;
  if (!answer.IsArray()) return results;
  const auto handles = answer.As<Napi::Array>();
  for (uint32_t i = 0; i < handles.Length(); ++i) {
    const Napi::Value handle = handles.Get(i);
    results.push_back(handle.IsNumber() ? environment_->take_tensor(handle.As<Napi::Number>().DoubleValue())
                                        : at::Tensor());
  }
  return results;
}

Napi::Value Callbacks::value_of(const Held& held) {
  return invoke("valueOf", {Napi::Number::New(environment_->napi(), held.number())});
}

std::string Callbacks::stack() {
  std::string text;
  enter([&](Environment&) { text = invoke("stack", {}).ToString(); });
  return text;
}

void Callbacks::report_anomaly(std::string node, std::string origin) {
  const std::lock_guard lock(mutex_);
  anomaly_ = Anomaly{std::move(node), std::move(origin)};
}

std::optional<Callbacks::Anomaly> Callbacks::take_anomaly() {
  const std::lock_guard lock(mutex_);
  return std::exchange(anomaly_, std::nullopt);
}

void Callbacks::on_wake(napi_env env, napi_value, void* context, void*) {
  if (env == nullptr) return;  // the environment is going away
  auto* self = static_cast<Callbacks*>(context);
  for (;;) {
    Request* request;
    {
      const std::lock_guard lock(self->mutex_);
      if (self->queue_.empty()) break;
      request = self->queue_.front();
      self->queue_.pop_front();
    }
    self->answer(*request);
  }
  const auto numbers = self->take_released();
  if (numbers.empty()) return;
  try {
    self->enter([&](Environment&) {
      auto list = Napi::Array::New(env, numbers.size());
      for (uint32_t i = 0; i < numbers.size(); ++i) list.Set(i, numbers[i]);
      self->invoke("release", {list});
    });
  } catch (const Error&) {
    // Nobody is left to release anything.
  }
}

void Callbacks::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    queue_.clear();
    released_.clear();
    changed_.notify_all();
  }
  napi_release_threadsafe_function(waker_, napi_tsfn_abort);
  functions_.Reset();
}

}  // namespace torchwright
