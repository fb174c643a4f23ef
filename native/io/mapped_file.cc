#include "io/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "io/mapping_guard.h"
#include "io/path.h"
#include "runtime/errors.h"

namespace torchwright {

MappedFile::MappedFile(const std::string& path, const char* code, Memory memory) : path_(path), code_(code) {
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
    const bool own = memory == Memory::kOwnCopies;
    data_ = mmap(nullptr, size_, own ? PROT_READ | PROT_WRITE : PROT_READ,
                 own ? MAP_PRIVATE | MAP_NORESERVE : MAP_SHARED, file, 0);
    if (data_ == MAP_FAILED) {
      problem = std::strerror(errno);
    } else if (guard_ = mapping::guard(data_, size_); guard_ < 0) {
      munmap(data_, size_);
      problem = "too many files are mapped already";
    }
  }
  close(file);  // the mapping stays
  if (!problem.empty()) throw Error(code, path + ": " + problem);
}

MappedFile::~MappedFile() {
  if (size_ == 0) return;
  mapping::unguard(guard_);
  munmap(data_, size_);
}

void MappedFile::check() const {
  if (size_ > 0 && mapping::is_broken(guard_)) {
    throw Error(code_, path_ + ": it became shorter, or could not be read, while it was mapped");
  }
}

}  // namespace torchwright
