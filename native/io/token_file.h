// Token ids of a corpus: a mapped file of little-endian uint16 or uint32.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

#include "io/mapped_file.h"

namespace torchwright {

class TokenFile {
 public:
  TokenFile(const std::string& path, int bytes_per_token);

  int64_t length() const { return length_; }
  // Copies `count` ids from `first` on. Throws ERR_DATA beyond the end, and when the file became shorter.
  void copy(int64_t first, int64_t count, int64_t* target) const;

 private:
  MappedFile file_;
  int bytes_per_token_;
  int64_t length_;
};

}  // namespace torchwright
