// A folder that one job of one process works in at a time.
#pragma once

#include <optional>
#include <string>

namespace torchwright {

// Held until it is destroyed. The system lets go of it however the process ends; nothing is written.
class FolderLock {
 public:
  // Absent where another one holds the folder, or has just taken it away. File systems that know no such locks give one
  // that keeps nobody out. Throws ERR_STORAGE for a folder that cannot be opened.
  static std::optional<FolderLock> take(const std::string& path);

  FolderLock(FolderLock&& other) noexcept;
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int folder) : folder_(folder) {}

  int folder_;
};

}  // namespace torchwright
