#include "io/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
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
  return lock;
}

FolderLock::FolderLock(FolderLock&& other) noexcept : folder_(std::exchange(other.folder_, -1)) {}

FolderLock::~FolderLock() {
  if (folder_ >= 0) close(folder_);
}

}  // namespace torchwright
