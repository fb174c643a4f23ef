#include "runtime/errors.h"

#include <c10/util/Exception.h>

#include <new>

namespace torchwright {

ErrorReport describe_current_exception() {
  try {
    throw;
  } catch (const Error& error) {
    return {error.code, error.what(), ""};
  } catch (const c10::OutOfMemoryError& error) {
    return {code::kOutOfMemory, error.what_without_backtrace(), error.what()};
  } catch (const c10::IndexError& error) {
    return {code::kShape, error.what_without_backtrace(), error.what()};
  } catch (const c10::Error& error) {
    return {code::kTorch, error.what_without_backtrace(), error.what()};
  } catch (const std::bad_alloc&) {
    return {code::kOutOfMemory, "the process could not get the memory it asked for", ""};
  } catch (const std::exception& error) {
    return {code::kTorch, error.what(), ""};
  } catch (...) {
    return {code::kTorch, "an exception of an unknown kind was thrown in native code", ""};
  }
}

}  // namespace torchwright
