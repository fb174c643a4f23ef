// JavaScript called from C++, on whatever thread libtorch has come to: the call is carried to the environment's own
// JavaScript thread and its outcome back. lib/tensor/autograd/callbacks.ts is the other side.
#pragma once

#include <ATen/ThreadLocalState.h>
#include <ATen/core/Tensor.h>
#include <napi.h>

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace torchwright {

class Environment;
class Callbacks;

// A value of JavaScript (a function, an error) that C++ holds on to by the number it has in JavaScript's table. It may
// end on any thread, and outlive its environment.
class Held {
 public:
  Held(std::shared_ptr<Callbacks> callbacks, double number);
  ~Held();
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  double number() const { return number_; }
  Callbacks& callbacks() const { return *callbacks_; }

  // Calls the held function, from any thread. Undefined tensors go and come as null; `extra` is what that kind of
  // callback needs besides. Throws ThrownByJavaScript when the function throws.
  std::vector<at::Tensor> call(const std::vector<at::Tensor>& tensors, double extra = 0) const;

 private:
  std::shared_ptr<Callbacks> callbacks_;
  double number_;
};

// An error that JavaScript threw, on its way through C++ back to JavaScript.
struct ThrownByJavaScript : std::exception {
  explicit ThrownByJavaScript(std::shared_ptr<Held> error) : error(std::move(error)) {}
  const char* what() const noexcept override { return "a callback in JavaScript threw"; }
  std::shared_ptr<Held> error;
};

// One for each environment; shared with all that is held, which may outlive it.
class Callbacks : public std::enable_shared_from_this<Callbacks> {
 public:
  using Visit = std::function<void(Environment&)>;

  explicit Callbacks(Environment& environment);
  // The functions of JavaScript that are called: `call(number, modes, task, extra, handles)`, `release(numbers)`,
  // `valueOf(number)`, `stack()`.
  void initialize(Napi::Object functions);

  // Holds the value of this number; releases it at the end.
  std::shared_ptr<Held> hold(double number);
  // A number for a value that JavaScript is yet to put into its table.
  double new_number();

  // Runs `body` on the JavaScript thread, under the calling thread's modes, and waits for it. Any thread.
  void visit(const Visit& body);

  // Runs `work`, which may visit from this and other threads, and waits for it. JavaScript thread.
  void run(const std::function<void()>& work);

  // JavaScript thread, inside a visit: calls a held function, and takes the tensors it gives.
  std::vector<at::Tensor> call(double number, double extra, const std::vector<at::Tensor>& tensors);
  // JavaScript thread.
  Napi::Value value_of(const Held& held);
  // JavaScript's stack at the moment. JavaScript thread.
  std::string stack();
  // Anomaly detection: what the node that failed was, and where it came from. Any thread.
  struct Anomaly {
    std::string node;
    std::string origin;
  };
  void report_anomaly(std::string node, std::string origin);
  std::optional<Anomaly> take_anomaly();
  // The numbers whose values nobody holds any more. JavaScript thread.
  std::vector<double> take_released();

  // No visit after this one; those that wait fail. JavaScript thread.
  void close();

 private:
  friend class Held;
  struct Work;
  struct Request;

  void enter(const Visit& body);
  void release(double number);
  void wake();
  void answer(Request& request);
  void perform(Work& work);
  void serve_until(const bool& done);
  bool needs_a_thread() const;
  Napi::Value invoke(const char* name, const std::vector<napi_value>& arguments);
  static void on_wake(napi_env env, napi_value callback, void* context, void* data);

  Environment* environment_;
  const std::thread::id javascript_thread_ = std::this_thread::get_id();
  Napi::ObjectReference functions_;
  Request* serving_ = nullptr;  // JavaScript thread: the other thread's request that is being answered
  int task_ = -1;               // JavaScript thread: the graph task of the visit under way
  int depth_ = 0;               // JavaScript thread: works within works
  double last_number_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Request*> queue_;
  std::vector<double> released_;
  std::size_t held_ = 0;
  std::optional<Anomaly> anomaly_;
  bool closed_ = false;
  napi_threadsafe_function waker_ = nullptr;
};

}  // namespace torchwright
