#include "io/token_file.h"

#include <algorithm>
#include <bit>

#include "runtime/errors.h"

namespace torchwright {

static_assert(std::endian::native == std::endian::little, "token files are little-endian");

TokenFile::TokenFile(const std::string& path, int bytes_per_token)
    : file_(path, code::kData),
      bytes_per_token_(bytes_per_token),
      length_(static_cast<int64_t>(file_.size()) / bytes_per_token) {
  if (file_.size() % bytes_per_token != 0) {
    throw Error(code::kData, path + ": " + std::to_string(file_.size()) + " bytes are no whole number of " +
                                 std::to_string(bytes_per_token) + "-byte tokens: the file is damaged");
  }
}

void TokenFile::copy(int64_t first, int64_t count, int64_t* target) const {
  if (first < 0 || count < 0 || first > length_ - count) {
    throw Error(code::kData, "tokens " + std::to_string(first) + " to " + std::to_string(first + count) +
                                 " lie outside a file of " + std::to_string(length_));
  }
  if (bytes_per_token_ == 2) {
    const auto* source = reinterpret_cast<const uint16_t*>(file_.data()) + first;
    std::copy(source, source + count, target);
  } else {
    const auto* source = reinterpret_cast<const uint32_t*>(file_.data()) + first;
    std::copy(source, source + count, target);
  }
  file_.check();
}

}  // namespace torchwright
