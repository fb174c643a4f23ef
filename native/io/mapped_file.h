// A file mapped for reading. The mapping lives as long as the object.
#pragma once

#include <cstddef>
#include <string>

namespace torchwright {

class MappedFile {
 public:
  // What is written into the memory never reaches the file.
  enum class Memory { kReadOnly, kOwnCopies };

  // Throws an Error of the given code, naming the file, when it cannot be opened or mapped.
  MappedFile(const std::string& path, const char* code, Memory memory = Memory::kReadOnly);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  char* data() const { return static_cast<char*>(data_); }
  std::size_t size() const { return size_; }

  // Throws when the file became shorter since, or its disk failed: bytes that were read may have been zeros.
  void check() const;

 private:
  std::string path_;
  const char* code_;
  void* data_ = nullptr;
  std::size_t size_ = 0;
  int guard_ = -1;
};

}  // namespace torchwright
