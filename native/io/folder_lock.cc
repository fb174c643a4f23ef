#include "io/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "io/path.h"

namespace torchwright {

std::optional<FolderLock> FolderLock::take(const std::string& path) {
  const int folder = open(system_path(path, code::kStorage), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) throw Error(code::kStorage, path + " cannot be opened: " + std::strerror(errno));
  FolderLock lock(folder);
  while (flock(folder, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return std::nullopt;
    if (errno != EINTR) break;
  }
  // Whoever had it may have taken the folder away before letting go of it.
  struct stat locked{};
  struct stat found{};
  const bool is_there = fstat(folder, &locked) == 0 && stat(path.c_str(), &found) == 0 &&
                        locked.st_dev == found.st_dev && locked.st_ino == found.st_ino;
  return is_there ? std::optional(std::move(lock)) : std::nullopt;
}

FolderLock::FolderLock(FolderLock&& other) noexcept : folder_(std::exchange(other.folder_, -1)) {}

FolderLock::~FolderLock() {
  if (folder_ >= 0) close(folder_);
}

}  // namespace torchwright
