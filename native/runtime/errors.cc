#include "runtime/errors.h"

#include <c10/util/Exception.h>

#include <new>
#include <string_view>

#include "runtime/callbacks.h"
#include "runtime/memory.h"

namespace torchwright {

namespace {

// Where memory runs out, libtorch and the libraries below it do not always throw the class that says so.
constexpr std::string_view kOutOfMemoryWords[] = {
    "can't allocate memory",      "Storage size calculation overflowed", "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED", "could not create a memory object",
};

bool is_out_of_memory(std::string_view message) {
  for (const auto words : kOutOfMemoryWords) {
    if (message.find(words) != std::string_view::npos) return true;
  }
  return false;
}

// With what is free and held, where the message does not tell of it.
std::string with_figures(std::string message) {
  if (message.find(" free") == std::string::npos) message += " (CPU: " + cpu_memory_figures() + ")";
  return message;
}

std::function<std::string()> trace_of(const c10::Error& error) {
  return [error] { return std::string(error.what()); };
}

ErrorReport describe(std::string message, std::function<std::string()> trace) {
  if (is_out_of_memory(message)) return {code::kOutOfMemory, with_figures(std::move(message)), std::move(trace)};
  return {code::kTorch, std::move(message), std::move(trace)};
}

}  // namespace

ErrorReport describe_current_exception() {
  try {
    throw;
  } catch (const Error& error) {
    return {error.code, error.what(), nullptr};
  } catch (const ThrownByJavaScript& thrown) {
    return {code::kTorch, thrown.what(), nullptr, thrown.error};
  } catch (const c10::OutOfMemoryError& error) {
    return {code::kOutOfMemory, with_figures(error.what_without_backtrace()), trace_of(error)};
  } catch (const c10::IndexError& error) {
    return {code::kShape, error.what_without_backtrace(), trace_of(error)};
  } catch (const c10::Error& error) {
    return describe(error.what_without_backtrace(), trace_of(error));
  } catch (const std::bad_alloc&) {
    return {code::kOutOfMemory, with_figures("the process could not get the memory it asked for"), nullptr};
  } catch (const std::length_error&) {
    return {code::kOutOfMemory, with_figures("more elements were asked for than can be counted"), nullptr};
  } catch (const std::exception& error) {
    return describe(error.what(), nullptr);
  } catch (...) {
    return {code::kTorch, "an exception of an unknown kind was thrown in native code", nullptr};
  }
}

}  // namespace torchwright
