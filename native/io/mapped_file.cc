#include "io/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "io/path.h"
#include "runtime/errors.h"

namespace torchwright {

MappedFile::MappedFile(const std::string& path, const char* code) {
  // Not to wait for a writer where it is a pipe.
  const int file = open(system_path(path, code), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) throw Error(code, path + ": " + std::strerror(errno));
  struct stat status{};
  std::string problem;
  if (fstat(file, &status) != 0) {
    problem = std::strerror(errno);
  } else if (!S_ISREG(status.st_mode)) {
    problem = "this is not a regular file";
  } else if (status.st_size > 0) {
    size_ = static_cast<std::size_t>(status.st_size);
    data_ = mmap(nullptr, size_, PROT_READ, MAP_SHARED, file, 0);
    if (data_ == MAP_FAILED) problem = std::strerror(errno);
  }
  close(file);  // the mapping stays
  if (!problem.empty()) throw Error(code, path + ": " + problem);
}

MappedFile::~MappedFile() {
  if (size_ > 0) munmap(data_, size_);
}

}  // namespace torchwright
