// A file mapped for reading. The mapping lives as long as the object.
#pragma once

#include <cstddef>
#include <string>

namespace torchwright {

class MappedFile {
 public:
  // Throws an Error of the given code, naming the file, when it cannot be opened or mapped.
  MappedFile(const std::string& path, const char* code);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const char* data() const { return static_cast<const char*>(data_); }
  std::size_t size() const { return size_; }

 private:
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace torchwright
