// Errors as C++ throws them. JavaScript's classes (lib/errors.ts) are chosen by `code`.
#pragma once

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

namespace torchwright {

class Held;

namespace code {
inline constexpr const char* kShape = "ERR_SHAPE";
inline constexpr const char* kDtype = "ERR_DTYPE";
inline constexpr const char* kDevice = "ERR_DEVICE";
inline constexpr const char* kOutOfMemory = "ERR_OUT_OF_MEMORY";
inline constexpr const char* kDisposed = "ERR_DISPOSED";
inline constexpr const char* kArgument = "ERR_ARGUMENT";
inline constexpr const char* kConfig = "ERR_CONFIG";
inline constexpr const char* kData = "ERR_DATA";
inline constexpr const char* kCheckpoint = "ERR_CHECKPOINT";
inline constexpr const char* kStorage = "ERR_STORAGE";
inline constexpr const char* kNonFinite = "ERR_NON_FINITE";
inline constexpr const char* kAutograd = "ERR_AUTOGRAD";
inline constexpr const char* kAborted = "ERR_ABORTED";
inline constexpr const char* kTorch = "ERR_TORCH";
}  // namespace code

// `code` is one of the constants above: it outlives every error.
struct Error : std::runtime_error {
  Error(const char* code, const std::string& message) : std::runtime_error(message), code(code) {}
  const char* code;
};

// What is told to JavaScript about any exception.
struct ErrorReport {
  std::string code;
  std::string message;
  std::function<std::string()> trace;  // libtorch's message with its C++ trace, found on demand: it takes milliseconds
  std::shared_ptr<Held> thrown = nullptr;  // JavaScript's own error, which then says all
};

// Describes the exception being handled. Call it inside a catch block only.
ErrorReport describe_current_exception();

}  // namespace torchwright
