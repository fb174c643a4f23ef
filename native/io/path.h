// Paths as JavaScript gives them.
#pragma once

#include <string>

#include "runtime/errors.h"

namespace torchwright {

// The path for the system's calls, which would silently read it up to a NUL only. Throws an Error of the given code.
inline const char* system_path(const std::string& path, const char* code) {
  if (path.find('\0') != std::string::npos) throw Error(code, "a path cannot hold a NUL: " + std::string(path.c_str()));
  return path.c_str();
}

}  // namespace torchwright
